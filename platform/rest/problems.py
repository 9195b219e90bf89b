"""The API's errors: problems as RFC 9457 describes them, each of a type with a stable name.

Each room defines its own problem types; this module has those that any route can return.
"""

from dataclasses import dataclass, field
from http import HTTPStatus

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, JsonResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.response import Response

from kit.rate_limits import RateLimited

MEDIA_TYPE = "application/problem+json"
TRY_AGAIN_SECONDS = 60


@dataclass(frozen=True)
class ProblemType:
    """One type of problem. Programs rely on `name`; `title` and a default `detail` are for people."""

    name: str
    status: HTTPStatus
    title: str | Promise
    detail: str | Promise

    @property
    def uri(self) -> str:
        """The problem's `type`: a relative URI where it is explained."""
        return f"{reverse('rest:problems')}#{self.name}"


@dataclass
class Problem(Exception):
    """An exception that becomes the response of an API view. `fields` are extra members such as `refills_at`."""

    problem_type: ProblemType
    detail: str | Promise = ""
    headers: dict[str, str] = field(default_factory=dict)
    fields: dict[str, object] = field(default_factory=dict)

    def build_body(self) -> dict[str, object]:
        """Return the body as RFC 9457 describes it, with the problem's own members."""
        return {
            "type": self.problem_type.uri,
            "title": str(self.problem_type.title),
            "status": self.problem_type.status.value,
            "detail": str(self.detail or self.problem_type.detail),
            # A person whose request is rejected may need help.
            "help": reverse("safeguarding:help_now"),
            **self.fields,
        }


problem_types: dict[str, ProblemType] = {}


def define_problem_type(
    name: str, status: HTTPStatus, title: str | Promise, detail: str | Promise
) -> ProblemType:
    """Register a problem type, so that the API's page of problems lists it. A name must be unique."""
    problem_types[name] = ProblemType(name, status, title, detail)
    return problem_types[name]


NOT_SIGNED_IN = define_problem_type(
    "not-signed-in", HTTPStatus.UNAUTHORIZED, _("You are not signed in"), _("Sign in first, then try again.")
)
CSRF_FAILED = define_problem_type(
    "csrf-failed",
    HTTPStatus.FORBIDDEN,
    _("The CSRF token is missing or wrong"),
    _("Send your session’s CSRF token in the X-CSRFToken header. Nothing was changed."),
)
NOT_ALLOWED = define_problem_type(
    "not-allowed",
    HTTPStatus.FORBIDDEN,
    _("You don’t have access"),
    _("Your account isn’t allowed to do this."),
)
NOT_FOUND = define_problem_type(
    "not-found", HTTPStatus.NOT_FOUND, _("Not found"), _("It doesn’t exist, or it isn’t yours.")
)
METHOD_NOT_ALLOWED = define_problem_type(
    "method-not-allowed",
    HTTPStatus.METHOD_NOT_ALLOWED,
    _("Method not allowed"),
    _("The Allow header lists the methods of this address."),
)
NOT_ACCEPTABLE = define_problem_type(
    "not-acceptable",
    HTTPStatus.NOT_ACCEPTABLE,
    _("Format not available"),
    _("The API answers with JSON and event streams."),
)
NOT_JSON = define_problem_type(
    "unsupported-media-type",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    _("The API expects JSON"),
    _("Send the request as application/json."),
)
BAD_JSON = define_problem_type(
    "bad-json", HTTPStatus.BAD_REQUEST, _("Invalid JSON"), _("The request body isn’t valid JSON.")
)
BAD_REQUEST = define_problem_type(
    "bad-request", HTTPStatus.BAD_REQUEST, _("Bad request"), _("The server couldn’t read this request.")
)
INVALID = define_problem_type(
    "invalid",
    HTTPStatus.BAD_REQUEST,
    _("Some fields are invalid"),
    _("“errors” lists what is wrong with each field."),
)
TOO_LARGE = define_problem_type(
    "too-large", HTTPStatus.CONTENT_TOO_LARGE, _("The request is too large"), _("Send a smaller one.")
)
REQUEST_TIMEOUT = define_problem_type(
    "request-timeout",
    HTTPStatus.REQUEST_TIMEOUT,
    _("The request took too long to arrive"),
    _("Nothing was changed. Please send it again."),
)
RATE_LIMITED = define_problem_type(
    "rate-limited",
    HTTPStatus.TOO_MANY_REQUESTS,
    _("Too many tries"),
    _("Wait for the number of seconds in the Retry-After header, then try again."),
)
SERVER_ERROR = define_problem_type(
    "server-error",
    HTTPStatus.INTERNAL_SERVER_ERROR,
    _("Something went wrong on our side"),
    _("It wasn’t you. Everything saved so far is safe. Please try again later."),
)
DATABASE_UNAVAILABLE = define_problem_type(
    "database-unavailable",
    HTTPStatus.SERVICE_UNAVAILABLE,
    _("The database is unavailable"),
    _(
        "Everything saved so far is safe, but this request may not have been saved. Try again in a minute with the "
        "same id."
    ),
)

PROBLEM_TYPES_BY_EXCEPTION: dict[type[Exception], ProblemType] = {
    exceptions.NotAuthenticated: NOT_SIGNED_IN,
    exceptions.AuthenticationFailed: NOT_SIGNED_IN,
    exceptions.PermissionDenied: NOT_ALLOWED,
    PermissionDenied: NOT_ALLOWED,
    exceptions.NotFound: NOT_FOUND,
    Http404: NOT_FOUND,
    exceptions.MethodNotAllowed: METHOD_NOT_ALLOWED,
    exceptions.NotAcceptable: NOT_ACCEPTABLE,
    exceptions.UnsupportedMediaType: NOT_JSON,
    exceptions.ParseError: BAD_JSON,
    # Before its base class SuspiciousOperation.
    RequestDataTooBig: TOO_LARGE,
    SuspiciousOperation: BAD_REQUEST,
}


def find_problem(error: Exception) -> Problem | None:
    """Return the problem for an exception; None for an unexpected one."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, exceptions.ValidationError):
        return Problem(INVALID, fields={"errors": error.get_full_details()})
    if isinstance(error, RateLimited):
        seconds = error.wait_seconds
        return Problem(
            RATE_LIMITED, headers={"Retry-After": str(seconds)}, fields={"retry_after_seconds": seconds}
        )
    if isinstance(error, OperationalError | InterfaceError):
        return Problem(DATABASE_UNAVAILABLE, headers={"Retry-After": str(TRY_AGAIN_SECONDS)})
    problem_type = next(
        (
            problem_type
            for known, problem_type in PROBLEM_TYPES_BY_EXCEPTION.items()
            if isinstance(error, known)
        ),
        None,
    )
    if problem_type is None:
        return None
    # Django REST framework sets it on an error for a visitor who is not signed in.
    scheme = getattr(error, "auth_header", None)
    return Problem(problem_type, headers={"WWW-Authenticate": scheme} if scheme else {})


def handle_exception(error: Exception, _context: object) -> Response | None:
    """Handle an exception of an API view. Returns None for an unexpected one: Django logs it and calls handler500."""
    problem = find_problem(error)
    if problem is None:
        return None
    return Response(
        problem.build_body(),
        status=problem.problem_type.status,
        headers=problem.headers,
        content_type=MEDIA_TYPE,
    )


def build_plain_response(problem: Problem) -> JsonResponse:
    """Return the response outside an API view, where there may be no route or no database."""
    status = problem.problem_type.status
    return JsonResponse(problem.build_body(), status=status, headers=problem.headers, content_type=MEDIA_TYPE)
