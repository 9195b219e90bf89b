"""The quick exit: it leads to another site, and Back then shows a neutral page until the person says they are back.

A cookie remembers it, so it needs no database. static/js/help.js sets the cookie on the click; without JavaScript, the
link leads to `leave`, which sets it.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts.access import is_htmx
from kit.visits import is_visit

# Also in static/js/help.js. A session cookie: it ends when the browser is closed.
COOKIE = "away"
OTHER_SITE = "https://www.wikipedia.org/"
NEUTRAL_PAGE = "courses:modules"
HAS_COME_BACK = "has_come_back"


@require_safe
def leave(request: HttpRequest) -> HttpResponse:
    """Redirect to another site, and set the cookie. Needs no database."""
    response = HttpResponseRedirect(OTHER_SITE)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    if is_visit(request):
        response.set_cookie(COOKIE, "1", samesite="Lax", secure=not settings.DEMO)
    return response


# Exempt, because pages in a shared cache have this form. A forged request could only show the pages again.
@csrf_exempt
@require_POST
def come_back(request: HttpRequest) -> HttpResponse:
    """Delete the cookie, so that every page is shown again, and redirect to the start."""
    response = redirect("chat:start" if request.user.is_authenticated else "home")
    response.delete_cookie(COOKIE, samesite="Lax")
    return response


def is_away(request: HttpRequest) -> bool:
    """Return whether the person used the quick exit and has not come back."""
    return bool(request.COOKIES.get(COOKIE))


class QuickExitMiddleware(MiddlewareMixin):
    """Shows a neutral page instead of a conversation after a quick exit. A form that is posted is always accepted."""

    def process_view(
        self, request: HttpRequest, _view: Callable[..., object], _args: object, _kwargs: object
    ) -> HttpResponse | None:
        if request.method not in {"GET", "HEAD"} or not is_away(request) or not _is_private(request):
            return None
        address = reverse(NEUTRAL_PAGE)
        response = HttpResponseClientRedirect(address) if is_htmx(request) else redirect(address)
        response.headers["Cache-Control"] = "no-store"
        return response

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_success = response.status_code < HTTPStatus.BAD_REQUEST
        if is_success and is_away(request) and getattr(request, HAS_COME_BACK, False):
            response.delete_cookie(COOKIE, samesite="Lax")
        return response


def _is_private(request: HttpRequest) -> bool:
    """Whether a page shows a conversation or a crisis. A stream is left out, as it ends when its page is left."""
    match = request.resolver_match
    if match is None:
        return False
    return match.view_name == "safeguarding:mine" or (
        match.app_names == ["chat"] and match.url_name != "turn_stream"
    )


def _mark_come_back(request: HttpRequest | None = None, **_signal: Any) -> None:
    """Signing in or out ends the exit: the person is back, or another person uses the screen."""
    if request is not None:
        setattr(request, HAS_COME_BACK, True)


user_logged_in.connect(_mark_come_back, dispatch_uid="safeguarding.quick_exit")
user_logged_out.connect(_mark_come_back, dispatch_uid="safeguarding.quick_exit")
