"""Earlier addresses of modules and lessons lead on."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse

from courses.selectors import find_current_path

type View = Callable[..., HttpResponse]


def leads_on(view: View) -> View:
    """Redirect permanently from an earlier slug in the address. A form is sent on, with what was typed in it."""

    @wraps(view)
    def leading(request: HttpRequest, **names: Any) -> HttpResponse:
        try:
            return view(request, **names)
        except Http404:
            path = "/".join(filter(None, (names["module"], names.get("lesson"))))
            current = find_current_path(path)
            if current == path or request.resolver_match is None:
                raise
            slugs = dict(zip(("module", "lesson"), current.split("/"), strict=False))
            address = reverse(request.resolver_match.view_name, kwargs=names | slugs)
            query = request.META.get("QUERY_STRING", "")
            return HttpResponsePermanentRedirect(
                f"{address}?{query}" if query else address, preserve_request=request.method == "POST"
            )

    return leading
