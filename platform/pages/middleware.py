"""The language of each page, and a header that lets scripts tell this site's responses from a proxy's."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils.cache import patch_vary_headers

HEADER = "Kitchen-Table"


class LanguageMiddleware(LocaleMiddleware):
    """Django's middleware with `Vary: Cookie`: the language is in a cookie, so caches must not share pages."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response = super().process_response(request, response)
        patch_vary_headers(response, ["Cookie"])
        return response


def response_mark_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Set the header. Must be the outermost middleware, so that error pages have it too."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers[HEADER] = "page"
        return response

    return middleware
