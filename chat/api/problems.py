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
    ModelNotInPlan,
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
from chat.formatting import format_refusal
from families.gate import ClosedReason
from rest.problems import NOT_FOUND, Problem, ProblemType, define_problem_type

EMPTY = define_problem_type(
    "question-empty",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    _("There is no question"),
    _("Write your question first."),
)
TOO_LONG = define_problem_type(
    "question-too-long",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    _("The question is too long"),
    _("It has “length” characters. About “limit” of them can be read at once: ask about a part of it."),
)
PERSONAL_FOUND = define_problem_type(
    "personal-found",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    _("Something personal is in the question"),
    _(
        "The question would go to another company. Show the person the member “parts”, and ask again with “personal”: "
        "“remove” sends the question without them, “keep” as it is."
    ),
)
BUDGET_SHORT = define_problem_type(
    "budget-short",
    HTTPStatus.FORBIDDEN,
    _("The budget is used up"),
    _("Too little of the budget is left for an answer. The member “refills_at” says when it refills."),
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
    _("Too many questions wait already"),
    _("Stop one of those that wait for the model, or ask again without “when_back”."),
)
RESTING = define_problem_type(
    "resting",
    HTTPStatus.FORBIDDEN,
    _("The tutor is resting"),
    _("A help card is up. The tutor waits until “opens_at”, and then for the person’s own word."),
)
CLOSED = define_problem_type(
    "tutor-closed",
    HTTPStatus.FORBIDDEN,
    _("The tutor is not open on this site"),
    _("The tutor is not open on this site yet. Help is always open."),
)
STOPPED = define_problem_type(
    "site-stopped",
    HTTPStatus.SERVICE_UNAVAILABLE,
    _("The tutor is taking a break"),
    _("Nothing is answered on the whole site until an admin lets it go on."),
)
NOT_IN_PLAN = define_problem_type(
    "model-not-in-plan",
    HTTPStatus.FORBIDDEN,
    _("The plan has no such model"),
    _("The person’s plan does not include the model that answers on this site."),
)
NO_CONSENT = define_problem_type(
    "consent-missing",
    HTTPStatus.FORBIDDEN,
    _("Nobody has agreed yet"),
    _("Before a teen may use the tutor, they or a parent agree to how it works."),
)
COOLING_OFF = define_problem_type(
    "cooling-off",
    HTTPStatus.FORBIDDEN,
    _("The tutor is closed for some days"),
    _(
        "A parent who had agreed or paused is no longer linked, or withdrew. The member “opens_at” says until when."
    ),
)
PAUSED = define_problem_type(
    "paused-by-family",
    HTTPStatus.FORBIDDEN,
    _("The tutor is paused"),
    _("A parent has paused the tutor for now. Ask them why, and when it opens again."),
)
QUIET = define_problem_type(
    "quiet-hours",
    HTTPStatus.FORBIDDEN,
    _("It is a quiet hour"),
    _("Your family agreed on quiet hours. The member “opens_at” says when the tutor opens again."),
)
KEY_MISSING = define_problem_type(
    "key-missing",
    HTTPStatus.BAD_REQUEST,
    _("The question has no key"),
    _("Send a UUID of your own in the header Idempotency-Key, and the same one when you try again."),
)
KEY_TAKEN = define_problem_type(
    "key-taken",
    HTTPStatus.CONFLICT,
    _("This key is taken"),
    _("It was used before. Make a new one; nothing was asked."),
)
KEY_REUSED = define_problem_type(
    "key-reused",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    _("This key belongs to another question"),
    _("You have used this key for another question. Make a new one; nothing was asked."),
)
NOTHING_TO_CONTINUE = define_problem_type(
    "nothing-to-continue",
    HTTPStatus.CONFLICT,
    _("There is nothing to go on with"),
    _("The answer is whole, has no words, or is still being written."),
)
NOTHING_TO_REPORT = define_problem_type(
    "nothing-to-report",
    HTTPStatus.CONFLICT,
    _("There is nothing to report"),
    _("The turn is still being written, or it came to nothing."),
)

PROBLEM_TYPES: dict[type, ProblemType] = {
    InsufficientBudget: BUDGET_SHORT,
    TooLongForBudget: BUDGET_SHORT,
    SiteStopped: STOPPED,
    ModelNotInPlan: NOT_IN_PLAN,
    QuestionEmpty: EMPTY,
    QuestionTooLong: TOO_LONG,
    TooLongForModel: TOO_LONG,
    StillAnswering: STILL_ANSWERING,
    PersonalDataFound: PERSONAL_FOUND,
    TutorPaused: RESTING,
    TutorClosed: CLOSED,
    TooManyDeferred: TOO_MANY_DEFERRED,
    ConversationGone: NOT_FOUND,
}
GATE_PROBLEM_TYPES = {
    ClosedReason.CONSENT: NO_CONSENT,
    ClosedReason.COOLING_OFF: COOLING_OFF,
    ClosedReason.PAUSED: PAUSED,
    ClosedReason.QUIET: QUIET,
}
ASKING_PROBLEMS = (
    EMPTY, TOO_LONG, PERSONAL_FOUND, BUDGET_SHORT, STOPPED, NOT_IN_PLAN, STILL_ANSWERING, RESTING, CLOSED,
    TOO_MANY_DEFERRED, NO_CONSENT, COOLING_OFF, PAUSED, QUIET, KEY_MISSING, KEY_TAKEN, KEY_REUSED,
)  # fmt: skip


@contextmanager
def raise_problems(person: Person) -> Iterator[None]:
    """Turn an error of the services into its problem, with a detail for `person`."""
    try:
        yield
    except TurnIdTaken as refusal:
        raise Problem(KEY_REUSED if refusal.is_own else KEY_TAKEN) from refusal
    except (QuestionRejected, InsufficientBudget, SiteStopped) as refusal:
        raise _build_problem(refusal, person) from refusal


def _build_problem(refusal: QuestionRejected | InsufficientBudget | SiteStopped, person: Person) -> Problem:
    if isinstance(refusal, FamilyClosed):
        return _build_gate_problem(refusal, person)
    return Problem(
        PROBLEM_TYPES[type(refusal)], format_refusal(refusal, person), fields=_build_members(refusal)
    )


def _build_members(refusal: QuestionRejected | InsufficientBudget | SiteStopped) -> dict[str, object]:
    match refusal:
        case InsufficientBudget():
            return {
                "whose": str(refusal.scope),
                "of": str(refusal.unit),
                "refills_at": refusal.refills_at,
                "needed": refusal.needed,
                "left": refusal.left,
            }
        case QuestionTooLong():
            return {"length": refusal.length, "limit": refusal.limit}
        case StillAnswering():
            return {"turn": refusal.turn.pk}
        case TutorPaused():
            return {"opens_at": refusal.until}
        case PersonalDataFound():
            return {"parts": list(refusal.parts)}
    return {}


def _build_gate_problem(refusal: FamilyClosed, person: Person) -> Problem:
    gate = refusal.gate
    kind = GATE_PROBLEM_TYPES[gate.closed_reason or ClosedReason.CONSENT]
    if gate.until is None:
        return Problem(kind)
    if gate.closed_reason == ClosedReason.COOLING_OFF:
        return Problem(kind, fields={"opens_at": gate.until})
    at = format_time_in_zone(gate.until, gate.zone or person.zone)
    detail = gettext("The tutor opens again at %(at)s, as your family agreed on quiet hours.") % {"at": at}
    return Problem(kind, detail, fields={"opens_at": gate.until})
