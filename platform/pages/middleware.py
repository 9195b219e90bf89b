"""The language of each page, and the mark by which a page's scripts tell our replies from a proxy's."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils.cache import patch_vary_headers

HEADER = "Kitchen-Table"


class LanguageMiddleware(LocaleMiddleware):
    """Django's, which leaves unsaid that a choice comes in a cookie: a cache must not give one's page to another."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response = super().process_response(request, response)
        patch_vary_headers(response, ["Cookie"])
        return response


def response_mark_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Outermost, so that replies of other middleware and error pages are marked as well."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers[HEADER] = "page"
        return response

    return middleware
