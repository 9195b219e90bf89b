"""Which form fields hold free text. The guard checks them, and they are kept while their author signs in."""

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.urls import Resolver404, resolve

FIELDS_ATTRIBUTE = "free_text_fields"


def free_text_fields[V: Callable[..., Any]](*fields: str) -> Callable[[V], V]:
    """Decorate a view with the names of its free-text fields, in its form or, for a search, in its query.

    It must be the innermost decorator; the others copy its attribute.
    """

    def mark(view: V) -> V:
        setattr(view, FIELDS_ATTRIBUTE, fields)
        return view

    return mark


def get_free_text(request: HttpRequest) -> Mapping[str, str]:
    """Return the text of a request's free-text fields by name, without the empty ones.

    Also works for a request that never reached its view. Returns {} for an unknown path or an unreadable body.
    """
    try:
        match = request.resolver_match or resolve(request.path_info)
        sent: QueryDict = request.GET if request.method in {"GET", "HEAD"} else request.POST
    except (Resolver404, SuspiciousOperation, UnreadablePostError):
        return {}
    fields = getattr(match.func, FIELDS_ATTRIBUTE, ())
    return {field: text for field in fields if (text := sent.get(field, "").strip())}
