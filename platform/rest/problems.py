"""What the API says when it does not do what was asked: a problem of RFC 9457, of a kind that never changes its name.

A room defines the kinds of its own refusals; those that any route may meet stand here.
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
    """One kind of problem: `name` is for programs and stays, the words are for people. `detail` may be replaced."""

    name: str
    status: HTTPStatus
    title: str | Promise
    detail: str | Promise

    @property
    def address(self) -> str:
        """The kind's `type`: where it is explained, relative to the site."""
        return f"{reverse('rest:problems')}#{self.name}"


@dataclass
class Problem(Exception):
    """Raised in a view of the API, it becomes the answer. `fields` are the kind's own members, such as `refills_at`."""

    kind: ProblemType
    detail: str | Promise = ""
    headers: dict[str, str] = field(default_factory=dict)
    fields: dict[str, object] = field(default_factory=dict)

    def told(self) -> dict[str, object]:
        return {
            "type": self.kind.address,
            "title": str(self.kind.title),
            "status": self.kind.status.value,
            "detail": str(self.detail or self.kind.detail),
            # Whoever is refused may be somebody in need.
            "help": reverse("safeguarding:help_now"),
            **self.fields,
        }


problem_types: dict[str, ProblemType] = {}


def define_problem_type(
    name: str, status: HTTPStatus, title: str | Promise, detail: str | Promise
) -> ProblemType:
    problem_types[name] = ProblemType(name, status, title, detail)
    return problem_types[name]


NOT_SIGNED_IN = define_problem_type(
    "not-signed-in", HTTPStatus.UNAUTHORIZED, _("You are not signed in"), _("Sign in first, then try again.")
)
CSRF_FAILED = define_problem_type(
    "csrf-failed",
    HTTPStatus.FORBIDDEN,
    _("The request lacks its token"),
    _("Send the CSRF token of your session in the header X-CSRFToken. Nothing was changed."),
)
NOT_ALLOWED = define_problem_type(
    "not-allowed", HTTPStatus.FORBIDDEN, _("This is not for you"), _("Your account may not do this.")
)
NOT_FOUND = define_problem_type(
    "not-found", HTTPStatus.NOT_FOUND, _("There is nothing here"), _("It is not there, or it is not yours.")
)
METHOD_NOT_ALLOWED = define_problem_type(
    "method-not-allowed",
    HTTPStatus.METHOD_NOT_ALLOWED,
    _("This address does not do that"),
    _("The header Allow says what it does."),
)
NOT_ACCEPTABLE = define_problem_type(
    "not-acceptable",
    HTTPStatus.NOT_ACCEPTABLE,
    _("There is no such form of it"),
    _("The API answers in JSON, and with event streams."),
)
NOT_JSON = define_problem_type(
    "unsupported-media-type",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    _("The API reads JSON"),
    _("Send it as application/json."),
)
BAD_JSON = define_problem_type(
    "bad-json", HTTPStatus.BAD_REQUEST, _("That is not JSON"), _("What was sent could not be read as JSON.")
)
BAD_REQUEST = define_problem_type(
    "bad-request", HTTPStatus.BAD_REQUEST, _("That could not be read"), _("The request is not in order.")
)
INVALID = define_problem_type(
    "invalid",
    HTTPStatus.BAD_REQUEST,
    _("Something in it is not in order"),
    _("The member “errors” says what, field by field."),
)
TOO_LARGE = define_problem_type(
    "too-large", HTTPStatus.CONTENT_TOO_LARGE, _("That’s too large to send"), _("Send less of it.")
)
REQUEST_TIMEOUT = define_problem_type(
    "request-timeout",
    HTTPStatus.REQUEST_TIMEOUT,
    _("That took too long to arrive"),
    _("Nothing was changed. Send it again."),
)
RATE_LIMITED = define_problem_type(
    "rate-limited",
    HTTPStatus.TOO_MANY_REQUESTS,
    _("Too many tries"),
    _("Wait for as many seconds as the header Retry-After says, then try again."),
)
SERVER_ERROR = define_problem_type(
    "server-error",
    HTTPStatus.INTERNAL_SERVER_ERROR,
    _("Something went wrong on our side"),
    _("It was not you. What was saved before is safe. Try again later."),
)
DATABASE_UNAVAILABLE = define_problem_type(
    "database-unavailable",
    HTTPStatus.SERVICE_UNAVAILABLE,
    _("We can’t reach our database"),
    _(
        "What was saved before is safe. What you sent just now may not have been taken. Try again in a minute, "
        "with the same key."
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
    # It is a SuspiciousOperation too, so it comes before that.
    RequestDataTooBig: TOO_LARGE,
    SuspiciousOperation: BAD_REQUEST,
}


def find_problem(fault: Exception) -> Problem | None:
    """What a fault is told as; None for one that nobody foresaw."""
    if isinstance(fault, Problem):
        return fault
    if isinstance(fault, exceptions.ValidationError):
        return Problem(INVALID, fields={"errors": fault.get_full_details()})
    if isinstance(fault, RateLimited):
        seconds = fault.wait_seconds
        return Problem(
            RATE_LIMITED, headers={"Retry-After": str(seconds)}, fields={"retry_after_seconds": seconds}
        )
    if isinstance(fault, OperationalError | InterfaceError):
        return Problem(DATABASE_UNAVAILABLE, headers={"Retry-After": str(TRY_AGAIN_SECONDS)})
    kind = next(
        (kind for known, kind in PROBLEM_TYPES_BY_EXCEPTION.items() if isinstance(fault, known)), None
    )
    if kind is None:
        return None
    # The library puts it there when it has turned somebody away who was not signed in.
    scheme = getattr(fault, "auth_header", None)
    return Problem(kind, headers={"WWW-Authenticate": scheme} if scheme else {})


def handle_exception(fault: Exception, _context: object) -> Response | None:
    """The API's exception handler. None leaves a fault of our own to Django, which logs it and asks handler500."""
    problem = find_problem(fault)
    if problem is None:
        return None
    return Response(
        problem.told(), status=problem.kind.status, headers=problem.headers, content_type=MEDIA_TYPE
    )


def build_plain_response(problem: Problem) -> JsonResponse:
    """The same outside a view of the API, where there is no route or no database."""
    status = problem.kind.status
    return JsonResponse(problem.told(), status=status, headers=problem.headers, content_type=MEDIA_TYPE)
