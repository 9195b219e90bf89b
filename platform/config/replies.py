"""Marks every reply of the site as its own: the page's scripts must tell it from a proxy's page."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

HEADER = "Kitchen-Table"


def reply_mark_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Outermost, so that replies of other middleware and error pages are marked as well."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers[HEADER] = "page"
        return response

    return middleware
