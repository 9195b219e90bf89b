"""Why a question was not taken, in words for the person who asked it."""

from django.utils.translation import gettext as _

from accounts.models import Person
from accounts.prose import count_said, length_said
from accounts.throttle import TooOften
from accounts.waits import too_often_said
from budgets.errors import BudgetShort, SiteStopped
from chat.errors import (
    ConversationGone,
    FamilyClosed,
    IdTaken,
    ModelNotInPlan,
    NotTaken,
    PersonalFound,
    QuestionEmpty,
    QuestionTooLong,
    StillAnswering,
    TooLongForModel,
    TooManyDeferred,
    TutorClosed,
    TutorPaused,
)
from chat.replies.budget_words import refusal_said

type Refusal = NotTaken | BudgetShort | SiteStopped | TooOften
REFUSALS = (NotTaken, BudgetShort, SiteStopped, TooOften)


def said(refusal: Refusal, person: Person) -> str:
    """Why a question was not taken, what became of it, and what to do now."""
    if isinstance(refusal, TooOften):
        return too_often_said(refusal)
    if isinstance(refusal, (BudgetShort, SiteStopped)):
        return refusal_said(refusal, person)
    if isinstance(refusal, QuestionTooLong):
        return too_long_said(refusal)
    return {
        QuestionEmpty: _("Write your question first."),
        IdTaken: _("This page was out of date. What you wrote is still here: press the button again."),
        ConversationGone: _(
            "This conversation has been deleted. What you wrote is still here: you can ask it in a new one."
        ),
        StillAnswering: _(
            "The last question is still being answered. Wait for it, or stop it, then ask this one."
        ),
        TooManyDeferred: _(
            "As many of your questions as can be kept are waiting already. What you wrote is still here. "
            "Take one back first, or try now."
        ),
        PersonalFound: _("Your question has not been sent yet. Have a look at what is in it."),
        TutorPaused: _("The tutor is resting for now. What you wrote is still here."),
        FamilyClosed: _(
            "The tutor is closed for now. What you wrote is still here, and help is always open."
        ),
        ModelNotInPlan: _(
            "Your plan does not include the model that answers on this site. What you wrote is still here."
        ),
        TutorClosed: _("The tutor is not open on this site yet. Help is always open."),
    }[type(refusal)]


def too_long_said(refusal: QuestionTooLong) -> str:
    """How long it is, how long it may be, and what to do now."""
    if not isinstance(refusal, TooLongForModel):
        return length_said(refusal.length, refusal.limit)
    return _(
        "The model on this site cannot read all of this at once. What you wrote is still here, and nothing was "
        "charged. It has %(length)s characters: send about %(limit)s of them, with your question."
    ) % {"length": count_said(refusal.length), "limit": count_said(refusal.limit)}
