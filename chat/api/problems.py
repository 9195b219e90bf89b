"""Rejected questions as problems: each has a problem type of its own, with the members that a program needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from accounts.zones import format_time_in_zone
from budgets.errors import InsufficientBudget, SiteStopped
from chat.errors import (
    ConversationGone,
    FamilyClosed,
    FollowUpNotOffered,
    NoModelLeft,
    PersonalDataFound,
    QuestionEmpty,
    QuestionRejected,
    QuestionTooLong,
    StillAnswering,
    TooLongForBudget,
    TooLongForModel,
    TooManyDeferred,
    TurnIdTaken,
    TutorClosed,
    TutorPaused,
)
from chat.formatting import format_rejection
from families.gate import ClosedReason
from rest.problems import NOT_FOUND, Problem, ProblemType, define_problem_type

EMPTY = define_problem_type(
    "question-empty",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    _("The question is empty"),
    _("Write your question first."),
)
TOO_LONG = define_problem_type(
    "question-too-long",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    _("The question is too long"),
    _(
        "The member “length” is the number of its characters; about “limit” can be read at once. Ask about a part "
        "of it."
    ),
)
NOT_OFFERED = define_problem_type(
    "follow-up-not-offered",
    HTTPStatus.CONFLICT,
    _("The turn does not offer that"),
    _("The turn’s member “follow_ups” lists what can be asked of its answer."),
)
PERSONAL_FOUND = define_problem_type(
    "personal-found",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    _("The question has personal details in it"),
    _(
        "The question would go to another company. Show the person the member “parts”, and ask again with "
        "“personal”: “remove” sends the question without them, and “keep” sends it as it is."
    ),
)
BUDGET_SHORT = define_problem_type(
    "budget-short",
    HTTPStatus.FORBIDDEN,
    _("The budget is used up"),
    _("Not enough of the budget is left for an answer. The member “refills_at” says when it refills."),
)
STILL_ANSWERING = define_problem_type(
    "still-answering",
    HTTPStatus.CONFLICT,
    _("The last question is still being answered"),
    _("Wait for the turn in the member “turn”, or stop it, then ask again."),
)
TOO_MANY_DEFERRED = define_problem_type(
    "too-many-deferred",
    HTTPStatus.CONFLICT,
    _("Too many questions are waiting"),
    _("Stop one of the questions that wait for the model, or ask again without “wait_for_model”."),
)
TUTOR_RESTING = define_problem_type(
    "resting",
    HTTPStatus.FORBIDDEN,
    _("The tutor is resting"),
    _("A help card is shown. The tutor rests until “opens_at”, and then until the person chooses to go on."),
)
CLOSED = define_problem_type(
    "tutor-closed",
    HTTPStatus.FORBIDDEN,
    _("The tutor isn’t open on this site"),
    _("The tutor isn’t open on this site yet. Help is always available."),
)
SITE_STOPPED = define_problem_type(
    "site-stopped",
    HTTPStatus.SERVICE_UNAVAILABLE,
    _("The tutor is stopped on this site"),
    _("No questions are answered on this site until an admin resumes the tutor."),
)
NO_MODEL = define_problem_type(
    "no-model",
    HTTPStatus.FORBIDDEN,
    _("No model can answer"),
    _(
        "No model may answer this question now. If it has to stay on this site’s own computers, a model must run there."
    ),
)
CONSENT_MISSING = define_problem_type(
    "consent-missing",
    HTTPStatus.FORBIDDEN,
    _("Consent is missing"),
    _("Before a teen can use the tutor, they or a parent must agree to how it works."),
)
COOLING_OFF = define_problem_type(
    "cooling-off",
    HTTPStatus.FORBIDDEN,
    _("The tutor is closed for a few days"),
    _(
        "A parent who had consented or paused the tutor is no longer linked, or withdrew consent. The member "
        "“opens_at” says when it opens again."
    ),
)
PAUSED_BY_FAMILY = define_problem_type(
    "paused-by-family",
    HTTPStatus.FORBIDDEN,
    _("The tutor is paused"),
    _("A parent has paused the tutor. Ask them why, and when it will open again."),
)
QUIET = define_problem_type(
    "quiet-hours",
    HTTPStatus.FORBIDDEN,
    _("It’s quiet hours"),
    _("Your family agreed on quiet hours. The member “opens_at” says when the tutor opens again."),
)
KEY_MISSING = define_problem_type(
    "key-missing",
    HTTPStatus.BAD_REQUEST,
    _("The question has no key"),
    _("In the Idempotency-Key header, send a UUID that you create. Send the same one when you try again."),
)
KEY_TAKEN = define_problem_type(
    "key-taken",
    HTTPStatus.CONFLICT,
    _("This key is already used"),
    _("Create a new key. Nothing was asked."),
)
KEY_REUSED = define_problem_type(
    "key-reused",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    _("This key belongs to another question"),
    _("You have used this key for another question. Create a new key. Nothing was asked."),
)
NOTHING_TO_CONTINUE = define_problem_type(
    "nothing-to-continue",
    HTTPStatus.CONFLICT,
    _("There is nothing to continue"),
    _("The answer is complete, empty, or still being written."),
)
NOTHING_TO_REPORT = define_problem_type(
    "nothing-to-report",
    HTTPStatus.CONFLICT,
    _("There is nothing to report"),
    _("The turn is still being written, or has no answer."),
)
NOTE_REJECTED = define_problem_type(
    "note-rejected",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    _("This can’t be a note"),
    _("It has a personal detail, or something that needs more care than a note. The note did not change."),
)
MEMORY_NOT_AGREED = define_problem_type(
    "memory-not-agreed",
    HTTPStatus.FORBIDDEN,
    _("The family has not agreed to this"),
    _("The family’s agreement doesn’t let notes last from one conversation to the next."),
)

PROBLEM_TYPES: dict[type, ProblemType] = {
    InsufficientBudget: BUDGET_SHORT,
    TooLongForBudget: BUDGET_SHORT,
    SiteStopped: SITE_STOPPED,
    NoModelLeft: NO_MODEL,
    QuestionEmpty: EMPTY,
    QuestionTooLong: TOO_LONG,
    TooLongForModel: TOO_LONG,
    StillAnswering: STILL_ANSWERING,
    FollowUpNotOffered: NOT_OFFERED,
    PersonalDataFound: PERSONAL_FOUND,
    TutorPaused: TUTOR_RESTING,
    TutorClosed: CLOSED,
    TooManyDeferred: TOO_MANY_DEFERRED,
    ConversationGone: NOT_FOUND,
}
GATE_PROBLEM_TYPES = {
    ClosedReason.CONSENT: CONSENT_MISSING,
    ClosedReason.COOLING_OFF: COOLING_OFF,
    ClosedReason.PAUSED: PAUSED_BY_FAMILY,
    ClosedReason.QUIET: QUIET,
}
ASKING_PROBLEMS = (
    EMPTY, TOO_LONG, PERSONAL_FOUND, BUDGET_SHORT, SITE_STOPPED, NO_MODEL, STILL_ANSWERING, TUTOR_RESTING, CLOSED,
    TOO_MANY_DEFERRED, CONSENT_MISSING, COOLING_OFF, PAUSED_BY_FAMILY, QUIET, KEY_MISSING, KEY_TAKEN, KEY_REUSED,
)  # fmt: skip


@contextmanager
def raise_problems(person: Person) -> Iterator[None]:
    """Convert an error of the services into its problem, with a detail for `person`."""
    try:
        yield
    except TurnIdTaken as rejection:
        raise Problem(KEY_REUSED if rejection.is_own else KEY_TAKEN) from rejection
    except (QuestionRejected, InsufficientBudget, SiteStopped) as rejection:
        raise _build_problem(rejection, person) from rejection


def _build_problem(rejection: QuestionRejected | InsufficientBudget | SiteStopped, person: Person) -> Problem:
    if isinstance(rejection, FamilyClosed):
        return _build_gate_problem(rejection, person)
    return Problem(
        PROBLEM_TYPES[type(rejection)], format_rejection(rejection, person), fields=_build_fields(rejection)
    )


def _build_fields(rejection: QuestionRejected | InsufficientBudget | SiteStopped) -> dict[str, object]:
    match rejection:
        case InsufficientBudget():
            return {
                "scope": str(rejection.scope),
                "unit": str(rejection.unit),
                "refills_at": rejection.refills_at,
                "needed": rejection.needed,
                "left": rejection.left,
            }
        case QuestionTooLong():
            return {"length": rejection.length, "limit": rejection.limit}
        case StillAnswering():
            return {"turn": rejection.turn.pk}
        case TutorPaused():
            return {"opens_at": rejection.until}
        case PersonalDataFound():
            return {"parts": list(rejection.parts)}
    return {}


def _build_gate_problem(rejection: FamilyClosed, person: Person) -> Problem:
    gate = rejection.gate
    # FamilyClosed is only raised for a closed gate; the default is for mypy.
    problem_type = GATE_PROBLEM_TYPES[gate.closed_reason or ClosedReason.CONSENT]
    if gate.until is None:
        return Problem(problem_type)
    if gate.closed_reason == ClosedReason.COOLING_OFF:
        return Problem(problem_type, fields={"opens_at": gate.until})
    # Only quiet hours are left: a parent's pause and missing consent have no end.
    at = format_time_in_zone(gate.until, gate.zone or person.zone)
    detail = gettext("The tutor opens again at %(at)s, because your family agreed on quiet hours.") % {
        "at": at
    }
    return Problem(problem_type, detail, fields={"opens_at": gate.until})
