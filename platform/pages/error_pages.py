"""Error pages, and responses to requests that no view can handle."""

import sys
from collections.abc import Callable
from http import HTTPStatus

from django.core.exceptions import BadRequest, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin
from django.views.defaults import page_not_found
from django_htmx.http import trigger_client_event

from accounts.access import UnsentForm, is_htmx
from kit.rate_limits import RateLimited, format_wait, mark_rate_limited
from rest import problems

TRY_AGAIN_SECONDS = 60
API_PREFIX = "/api/"


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form with a missing or expired CSRF token. Django's `reason` is not shown.

    The page shows the submitted text with a new token, to be sent again. The text is not stored, because another site
    may have sent it. An htmx request keeps its page and receives the new token.
    """
    del reason
    if is_htmx(request):
        response = render(request, "form_expired.html", status=403)
        return trigger_client_event(response, "form-token", {"token": get_token(request)})
    form = UnsentForm.from_request(request)
    if form:
        return render(request, "accounts/unsent_form.html", {"form": form, "has_expired": True}, status=403)
    return render(request, "403.html", {"form_expired": True}, status=403)


def body_rejected(request: HttpRequest, status: HTTPStatus) -> HttpResponse:
    """Answer a request that is too large (413) or did not arrive in time (408)."""
    is_too_large = status == HTTPStatus.CONTENT_TOO_LARGE
    if request.path.startswith(API_PREFIX):
        problem_type = problems.TOO_LARGE if is_too_large else problems.REQUEST_TIMEOUT
        return problems.build_plain_response(problems.Problem(problem_type))
    return render(None, "body_refused.html", {"is_too_large": is_too_large}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django rejects. Must not read the form again."""
    if isinstance(exception, RequestDataTooBig):
        return body_rejected(request, HTTPStatus.CONTENT_TOO_LARGE)
    if request.path.startswith(API_PREFIX):
        return problems.build_plain_response(problems.Problem(problems.BAD_REQUEST))
    return render(None, "400.html", status=HTTPStatus.BAD_REQUEST)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API_PREFIX):
        return problems.build_plain_response(problems.Problem(problems.NOT_FOUND))
    return page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an unexpected error. The page shows help lines, because the person may need them.

    Must not use the database, which may be what failed.
    """
    error = sys.exc_info()[1]
    if request.path.startswith(API_PREFIX):
        known = problems.find_problem(error) if isinstance(error, Exception) else None
        return problems.build_plain_response(known or problems.Problem(problems.SERVER_ERROR))
    is_database_down = isinstance(error, OperationalError | InterfaceError)
    status = 503 if is_database_down else 500
    return render(None, "500.html", {"is_database_down": is_database_down}, status=status)


def rate_limited(request: HttpRequest) -> HttpResponse:
    """Answer a request beyond django-allauth's own rate limits, which do not say how long to wait."""
    page = render(request, "429.html", {"wait": format_wait(TRY_AGAIN_SECONDS)})
    return mark_rate_limited(page, RateLimited(TRY_AGAIN_SECONDS))


NUL = "\0"
ADMIN_PAGES = {"admin", "desk"}


class AdminQueryMiddleware(MiddlewareMixin):
    """Answers 400 to an admin page with a NUL in its query, which filters and prefilled forms would pass to PostgreSQL.

    On other pages each query field is validated.
    """

    def process_view(
        self, request: HttpRequest, _view: Callable[..., object], _args: object, _kwargs: object
    ) -> None:
        """Raise BadRequest for a NUL character in an admin page's query, which PostgreSQL cannot store."""
        match = request.resolver_match
        if match is None or ADMIN_PAGES.isdisjoint(match.app_names):
            return
        if any(NUL in text for name, values in request.GET.lists() for text in (name, *values)):
            raise BadRequest("The query contains a NUL character.")


def method_not_allowed_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Add a page to Django's empty 405 responses. Keeps their headers.

    The page is rendered without the request, so that it uses neither the session nor the database.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_bare = response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and not request.path.startswith(
            API_PREFIX
        )
        if is_bare and isinstance(response, HttpResponse) and not response.content:
            response.content = render_to_string("405.html").encode()
        return response

    return middleware
