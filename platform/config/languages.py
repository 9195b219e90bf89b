"""The language of the page: as the visitor chose it, or else as their browser asks for it."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from django.views.i18n import set_language


class LanguageMiddleware(LocaleMiddleware):
    """Django's, which leaves unsaid that a choice comes in a cookie: a cache must not give one's page to another."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response = super().process_response(request, response)
        patch_vary_headers(response, ["Cookie"])
        return response


# Every page has this form. A token in it would leave a cookie with everybody who only reads, and keep pages that are
# the same for all out of caches; and all that another site can do with it is to change the language.
choose = csrf_exempt(require_POST(set_language))
