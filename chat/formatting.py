"""Texts for people about their turns: cards, states, budgets, and why a question was rejected."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Person
from accounts.zones import format_time_in_zone
from budgets.errors import InsufficientBudget, SiteStopped
from budgets.models import BudgetScope
from budgets.selectors import Meter
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
from chat.models import EndReason, ModelOutage, Report, Turn, TurnState, WaitsFor
from chat.turns.verdicts import get_verdict
from kit.rate_limits import RateLimited, format_rate_limited
from kit.texts import format_character_count, format_length_error
from safeguarding.cards import CrisisCard, build_card


def find_card(turn: Turn) -> CrisisCard | None:
    """Return the crisis card of a carded or paused turn, or None."""
    if turn.state not in {TurnState.CARDED, TurnState.PAUSED}:
        return None
    return build_card(get_verdict(turn), country=settings.HELP_COUNTRY)


BEING_WRITTEN = gettext_lazy("Your question is sent. The answer is being written.")
NO_ANSWER = gettext_lazy("The tutor did not answer this. It says why.")
ANNOUNCEMENTS = {
    TurnState.QUEUED: BEING_WRITTEN,
    TurnState.WORKING: BEING_WRITTEN,
    TurnState.DEFERRED: gettext_lazy("Your question is kept. It is answered when the model is back."),
    TurnState.ANSWERED: gettext_lazy("The answer is finished."),
    TurnState.STOPPED: gettext_lazy("The answer was stopped."),
    TurnState.FAILED: gettext_lazy("The answer could not be finished. You can try again."),
    TurnState.CARDED: gettext_lazy("A card with help lines is shown."),
    TurnState.PAUSED: gettext_lazy("There is a question for you."),
    TurnState.CUT: NO_ANSWER,
    TurnState.REFUSED: NO_ANSWER,
    TurnState.REDIRECTED: NO_ANSWER,
}


def format_announcement(turn: Turn, report: Report | None, *, was_kept: bool, can_wait: bool = False) -> str:
    """Return the sentence that a screen reader announces for a turn. It differs whenever the outcome does.

    `was_kept` says that a retry of the turn was not better, `can_wait` that the model is down.
    """
    if report and report.shared_at:
        return _("Your report is received.")
    if report:
        return _("Your report is counted. None of your words are kept.")
    if was_kept:
        return _("The new answer was not better. What you had before is kept.")
    return _format_outcome(turn, can_wait=can_wait)


def _format_outcome(turn: Turn, *, can_wait: bool) -> str:
    if turn.end_reason == EndReason.TAKEN_BACK:
        return _("You took your question back.")
    if turn.state == TurnState.STOPPED and turn.end_reason != EndReason.STOPPED_BY_ASKER:
        return _("The answer stopped early.")
    if turn.state == TurnState.FAILED and can_wait:
        return _(
            "The answer could not be finished. You can try again, or have it answered when the model is back."
        )
    return str(ANNOUNCEMENTS[TurnState(turn.state)])


# After this time the time of day alone would mislead.
SHOW_DATE_AFTER = timedelta(hours=18)


def format_outage(outage: ModelOutage | None, person: Person) -> str:
    """Return the notice about a model outage, in the person's time zone; "" if there is none."""
    if outage is None:
        return ""
    began = localtime(outage.began_at, person.zone)
    at = date_format(began, "TIME_FORMAT")
    if timezone.now() - began > SHOW_DATE_AFTER:
        at = f"{date_format(began, 'MONTH_DAY_FORMAT')}, {at}"
    return _(
        "Since %(at)s the tutor’s model has given no answers. You can still ask: your question is kept, and answered "
        "when the model is back."
    ) % {"at": at}


def format_deferral(turn: Turn) -> str:
    """Return what a deferred turn waits for, as a sentence."""
    return {
        WaitsFor.FAMILY: _(
            "Your question is kept. It is answered once your family’s pause or quiet hours are over."
        ),
        WaitsFor.PAUSE: _("Your question is kept. It is answered after you have gone on from the help card."),
        WaitsFor.BUDGET: _("Your question is kept. It is answered once there is more to use again."),
        WaitsFor.SITE: _("Your question is kept. It is answered once the tutor is open again on this site."),
    }.get(
        WaitsFor(turn.waits_for),
        _("Your question is kept. It is answered when the model is back, even if you close this page."),
    )


def format_budget_refusal(refusal: InsufficientBudget | SiteStopped, person: Person) -> str:
    if isinstance(refusal, SiteStopped):
        return _(
            "The tutor is taking a break on the whole site. What you wrote is still here, and nothing was charged. "
            "Help is always open."
        )
    if isinstance(refusal, TooLongForBudget):
        words = {
            BudgetScope.PERSON: _("Too little is left of what you can use for a question this long."),
            BudgetScope.FAMILY: _("Too little is left of what your family shares for a question this long."),
            BudgetScope.SITE: _(
                "Too little is left of what the whole site can use for a question this long."
            ),
        }[refusal.scope]
        way = _(
            "What you wrote is still here, and nothing was charged. Shorten it, or wait: it refills %(when)s."
        )
        return f"{words} {way % {'when': _format_refill_in_sentence(refusal.refills_at, person)}}"
    words = {
        BudgetScope.PERSON: _("What you can use for now is used up. It refills %(when)s."),
        BudgetScope.FAMILY: _("What your family shares is used up for now. It refills %(when)s."),
        BudgetScope.SITE: _("What the whole site can use is used up for now. It refills %(when)s."),
    }[refusal.scope]
    kept = _("What you wrote is still here, and nothing was charged.")
    return f"{words % {'when': _format_refill_in_sentence(refusal.refills_at, person)}} {kept}"


def format_brief_reason(floor: str, refills_at: datetime, person: Person) -> str:
    """Return why an answer is shorter than usual."""
    words = {
        BudgetScope.PERSON: _(
            "A shorter answer than usual, as little is left of what you can use. It refills %(when)s."
        ),
        BudgetScope.FAMILY: _(
            "A shorter answer than usual, as little is left of what your family shares. It refills %(when)s."
        ),
        BudgetScope.SITE: _(
            "A shorter answer than usual, as little is left for the whole site. It refills %(when)s."
        ),
    }[BudgetScope(floor)]
    return words % {"when": _format_refill_in_sentence(refills_at, person)}


def format_meter(meter: Meter, person: Person) -> str:
    """Return how much of the allowance is left, in short answers, and when it refills."""
    if meter.short_answers is None:
        return _("No limit on what may be used")
    when = format_refill_time(meter.refills_at, person)
    if not meter.short_answers:
        return _("Nearly used up; refills %(when)s") % {"when": when}
    words = {
        BudgetScope.PERSON: ngettext(
            "About %(n)s short answer left; refills %(when)s",
            "About %(n)s short answers left; refills %(when)s",
            meter.short_answers,
        ),
        BudgetScope.FAMILY: ngettext(
            "About %(n)s short answer left for the family; refills %(when)s",
            "About %(n)s short answers left for the family; refills %(when)s",
            meter.short_answers,
        ),
        BudgetScope.SITE: ngettext(
            "About %(n)s short answer left on the whole site; refills %(when)s",
            "About %(n)s short answers left on the whole site; refills %(when)s",
            meter.short_answers,
        ),
    }[meter.scope]
    return words % {"n": meter.short_answers, "when": when}


def _format_refill_in_sentence(moment: datetime, person: Person) -> str:
    """Format a refill time for the end of a sentence, without the period of “at 7 a.m.”."""
    return format_refill_time(moment, person).removesuffix(".")


def format_refill_time(moment: datetime, person: Person) -> str:
    """Format a time in the person's time zone, with the date if it is more than a day away.

    The zone is named until the person has confirmed it.
    """
    there = localtime(moment, person.zone)
    clock = (
        date_format(there, "TIME_FORMAT")
        if person.is_zone_confirmed
        else format_time_in_zone(moment, person.zone)
    )
    if moment - timezone.now() <= timedelta(days=1):
        return _("at %(time)s") % {"time": clock}
    return _("on %(date)s at %(time)s") % {"date": date_format(there, "MONTH_DAY_FORMAT"), "time": clock}


type Refusal = QuestionRejected | InsufficientBudget | SiteStopped | RateLimited
REFUSALS = (QuestionRejected, InsufficientBudget, SiteStopped, RateLimited)


def format_refusal(refusal: Refusal, person: Person) -> str:
    """Return why a question was rejected, what became of it, and what to do now."""
    if isinstance(refusal, RateLimited):
        return format_rate_limited(refusal)
    if isinstance(refusal, (InsufficientBudget, SiteStopped)):
        return format_budget_refusal(refusal, person)
    if isinstance(refusal, QuestionTooLong):
        return format_too_long(refusal)
    return {
        QuestionEmpty: _("Write your question first."),
        TurnIdTaken: _("This page was out of date. What you wrote is still here: press the button again."),
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
        PersonalDataFound: _("Your question has not been sent yet. Have a look at what is in it."),
        TutorPaused: _("The tutor is resting for now. What you wrote is still here."),
        FamilyClosed: _(
            "The tutor is closed for now. What you wrote is still here, and help is always open."
        ),
        ModelNotInPlan: _(
            "Your plan does not include the model that answers on this site. What you wrote is still here."
        ),
        TutorClosed: _("The tutor is not open on this site yet. Help is always open."),
    }[type(refusal)]


def format_too_long(refusal: QuestionTooLong) -> str:
    """Return how long the question is, how long it may be, and what to do now."""
    if not isinstance(refusal, TooLongForModel):
        return format_length_error(refusal.length, refusal.limit)
    return _(
        "The model on this site cannot read all of this at once. What you wrote is still here, and nothing was "
        "charged. It has %(length)s characters: send about %(limit)s of them, with your question."
    ) % {"length": format_character_count(refusal.length), "limit": format_character_count(refusal.limit)}
