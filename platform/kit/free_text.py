"""Which form fields hold a person's own words. They are checked for danger, and kept while their writer signs in."""

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.urls import Resolver404, resolve

FIELDS_ATTRIBUTE = "free_text_fields"


def free_text_fields[V: Callable[..., Any]](*fields: str) -> Callable[[V], V]:
    """Name the fields of a view's form (or of its query, for a search) in which people write in their own words.

    Goes directly above the view: the decorators above it pass the mark on.
    """

    def mark(view: V) -> V:
        setattr(view, FIELDS_ATTRIBUTE, fields)
        return view

    return mark


def get_free_text(request: HttpRequest) -> Mapping[str, str]:
    """What was written in the free-text fields of a request, by field; without the empty ones.

    Works also for a request that never reached its view. Nothing is found in a body that cannot be read.
    """
    try:
        match = request.resolver_match or resolve(request.path_info)
        sent: QueryDict = request.GET if request.method in {"GET", "HEAD"} else request.POST
    except (Resolver404, SuspiciousOperation, UnreadablePostError):
        return {}
    fields = getattr(match.func, FIELDS_ATTRIBUTE, ())
    return {field: text for field in fields if (text := sent.get(field, "").strip())}
