"""Middleware about people: who they are, rate limits, admins' second factor, sessions in use, and private pages."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.auth.middleware import AuthenticationMiddleware as DjangoAuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from accounts.models import Person
from accounts.second_factor import lacks_second_factor
from accounts.sessions import mark_seen
from kit.rate_limits import RateLimited, format_wait, mark_rate_limited


class AuthenticationMiddleware(DjangoAuthenticationMiddleware):
    """Takes the person from the session, whose query has read them already."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(partial(_get_person, request))  # type: ignore[assignment]


def _get_person(request: Any) -> Person | AnonymousUser:
    # Django's own name, which its login and test client rely on.
    if not hasattr(request, "_cached_user"):
        request._cached_user = request.session.find_person() or get_user(request)  # noqa: SLF001
    person: Person | AnonymousUser = request._cached_user  # noqa: SLF001
    return person


class RateLimitMiddleware(MiddlewareMixin):
    """Answers RateLimited with the 429 page and a Retry-After header in seconds."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, RateLimited):
            return None
        page = render(request, "429.html", {"wait": format_wait(exception.wait_seconds)})
        return mark_rate_limited(page, exception)


# The URL namespaces of pages for staff: the admin pages, the desk's, and the review of crises.
STAFF_PAGES = {"admin", "desk", "review"}


class SecondFactorMiddleware(MiddlewareMixin):
    """Redirects staff without a second step from the pages for staff to its setup page.

    In demo mode these pages show a reminder instead, so that the demo's admin works out of the box.
    """

    def process_view(
        self, request: HttpRequest, _view: Callable[..., object], _args: object, _kwargs: object
    ) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or STAFF_PAGES.isdisjoint(match.app_names):
            return None
        person = request.user
        if not isinstance(person, Person) or not lacks_second_factor(person):
            return None
        if settings.DEMO:
            setattr(request, "second_factor_lacking", True)  # noqa: B010 - for templates/admin/base_site.html and the review pages
            return None
        messages.warning(request, _("To open these pages, set up a second step for signing in."))
        return redirect("mfa_index")


class LastSeenMiddleware(MiddlewareMixin):
    """Records now and then that a session is in use. Never loads a session that the page didn't load."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        session: Any = getattr(request, "session", None)
        if session is not None and session.accessed and not session.is_empty():
            mark_seen(request)
        return response


def private_pages_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Keep signed-in pages out of every cache, so that Back doesn't show them after sign-out.

    A page that doesn't depend on the person may be cached.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        session: Any = getattr(request, "session", None)
        if session is not None and session.accessed and SESSION_KEY in session:
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware
