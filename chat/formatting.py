"""Texts for people about their turns: cards, states, budgets, and why a question was rejected."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Person, Role
from accounts.zones import format_time_in_zone
from budgets.errors import InsufficientBudget, SiteStopped
from budgets.models import BudgetScope
from budgets.selectors import Meter, SiteStop, find_site_stop
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
from chat.memory.costs import ConversationCost, PartCost, round_to_two_digits
from chat.models import EndReason, ModelOutage, Report, Turn, TurnState, WaitsFor
from chat.turns.pace import PACE_SCOPE
from chat.turns.verdicts import get_verdict
from kit.rate_limits import RateLimited, format_rate_limited
from kit.texts import format_character_count, format_length_error
from routing.formatting import format_dollars
from routing.models import TutorModel
from routing.ranking import SkipReason
from safeguarding.cards import CardReview, CrisisCard, build_card


def find_card(
    turn: Turn, review: CardReview | None = None, *, says_who_reads: bool = True
) -> CrisisCard | None:
    """Return the crisis card of a carded or paused turn, or None. The other arguments are those of `build_card`."""
    if turn.state not in {TurnState.CARDED, TurnState.PAUSED}:
        return None
    return build_card(
        get_verdict(turn), country=settings.HELP_COUNTRY, review=review, says_who_reads=says_who_reads
    )


BEING_WRITTEN = gettext_lazy("Your question was sent. The tutor is writing an answer.")
NO_ANSWER = gettext_lazy("The tutor didn’t answer this. You can read why.")
ANNOUNCEMENTS = {
    TurnState.QUEUED: BEING_WRITTEN,
    TurnState.WORKING: BEING_WRITTEN,
    TurnState.DEFERRED: gettext_lazy("Your question is saved. It will be answered when the model is back."),
    TurnState.ANSWERED: gettext_lazy("The answer is complete."),
    TurnState.STOPPED: gettext_lazy("The answer was stopped."),
    TurnState.FAILED: gettext_lazy("The answer couldn’t be finished. You can try again."),
    TurnState.CARDED: gettext_lazy("A card with help lines is shown."),
    TurnState.PAUSED: gettext_lazy("There is a question for you."),
    TurnState.CUT: gettext_lazy("The answer was taken back. You can read why."),
    TurnState.REFUSED: NO_ANSWER,
    TurnState.REDIRECTED: NO_ANSWER,
}


def format_announcement(
    turn: Turn, report: Report | None, *, has_worse_retry: bool, can_retry_deferred: bool = False
) -> str:
    """Return the sentence that a screen reader announces for a turn. Different outcomes have different sentences.

    `has_worse_retry`: a retry of the turn was not better. `can_retry_deferred`: the turn can wait for the model.
    """
    if report and report.shared_at:
        return _("We got your report.")
    if report:
        return _("Your report was counted. Nothing you wrote is kept.")
    if has_worse_retry:
        return _("The new answer wasn’t better, so the earlier one stays.")
    return _format_outcome(turn, can_retry_deferred=can_retry_deferred)


def _format_outcome(turn: Turn, *, can_retry_deferred: bool) -> str:
    if turn.end_reason == EndReason.WITHDRAWN:
        return _("You withdrew your question.")
    if turn.state == TurnState.STOPPED and turn.end_reason != EndReason.STOPPED_BY_ASKER:
        return _("The answer stopped early.")
    if turn.state == TurnState.FAILED and can_retry_deferred:
        return _(
            "The answer couldn’t be finished. You can try again, or get the answer when the model is back."
        )
    return str(ANNOUNCEMENTS[TurnState(turn.state)])


# After this long, show the date too: a time of day would seem to be today's.
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
        "Since %(at)s the tutor’s model has been down. You can still ask: your question is saved and will be "
        "answered when the model is back."
    ) % {"at": at}


def format_destination(model: TutorModel, *, local_only: bool) -> str:
    """Say where the next question goes, before it is sent. `local_only`: a family agreed that it stays here."""
    if not model.is_local:
        return _("Your question will go to %(model)s at %(host)s, a company outside this site.") % {
            "model": model.name,
            "host": model.host,
        }
    if local_only:
        return _("Your question stays on this site’s own computers, as your family agreed.")
    return _("A model on this site’s own computers will answer your question.")


def format_fallback(turn: Turn) -> str:
    """Say that another model answered than usual; "" if none was passed over for a failure."""
    if not turn.has_fallen_back:
        return ""
    if turn.is_local:
        return _("The usual model wasn’t available, so one on this site’s own computers answered.")
    return _("The usual model wasn’t available, so another one answered.")


def format_route(turn: Turn) -> str:
    """Say in one sentence why this model answers a turn, for admins."""
    if not turn.model:
        return _("No model was asked.")
    where = _("on this site’s own computers") if turn.is_local else _("outside this site")
    chosen = _("%(model)s (%(where)s) was the first choice.") % {"model": turn.model, "where": where}
    if not turn.route:
        return chosen
    skipped = "; ".join(
        _("%(model)s was not used because %(reason)s")
        % {"model": skipped["name"], "reason": SkipReason(skipped["reason"]).label}
        for skipped in turn.route
    )
    return _("%(model)s (%(where)s) was chosen: %(skipped)s.") % {
        "model": turn.model,
        "where": where,
        "skipped": skipped,
    }


def format_part_cost(cost: PartCost) -> str:
    """Say what a part of an answer cost, for admins."""
    values = {
        "part": cost.part.label,
        "tokens": number_format(cost.tokens, force_grouping=True),
        "cached": number_format(cost.cached_tokens, force_grouping=True),
        "price": format_dollars(cost.microdollars),
    }
    if cost.cached_tokens:
        return _("%(part)s: %(tokens)s tokens, %(cached)s of them cached, %(price)s") % values
    return _("%(part)s: %(tokens)s tokens, %(price)s") % values


def format_conversation_cost(cost: ConversationCost) -> str:
    """Say what a conversation has cost, and what full memory would have cost, for admins.

    Figures are rounded: exact sums would show which turns belong to the same conversation.
    """
    return _(
        "About %(tokens)s tokens, %(price)s; with full memory about %(full_tokens)s tokens, %(full_price)s"
    ) % {
        "tokens": number_format(round_to_two_digits(cost.tokens), force_grouping=True),
        "price": format_dollars(round_to_two_digits(cost.microdollars)),
        "full_tokens": number_format(round_to_two_digits(cost.full_tokens), force_grouping=True),
        "full_price": format_dollars(round_to_two_digits(cost.full_microdollars)),
    }


def format_deferral(turn: Turn) -> str:
    """Return what a deferred turn waits for, as a sentence."""
    return {
        WaitsFor.FAMILY: _(
            "Your question is saved. It will be answered when your family’s pause or quiet hours are over."
        ),
        WaitsFor.PAUSE: _(
            "Your question is saved. It will be answered when you choose to go on after the help card."
        ),
        WaitsFor.BUDGET: _("Your question is saved. It will be answered when your allowance refills."),
        WaitsFor.SITE: _(
            "Your question is saved. It will be answered when the tutor is open again on this site."
        ),
    }.get(
        WaitsFor(turn.waits_for),
        _("Your question is saved. It will be answered when the model is back, even if you close this page."),
    )


def format_budget_rejection(rejection: InsufficientBudget | SiteStopped, person: Person) -> str:
    if isinstance(rejection, SiteStopped):
        paused = _(
            "The tutor is paused on this whole site. What you wrote is still here, and nothing was charged. Help "
            "is always available."
        )
        stop = find_site_stop()
        return f"{paused} {stop.reason}" if stop else paused
    if isinstance(rejection, TooLongForBudget):
        words = {
            BudgetScope.PERSON: _("You don’t have enough of your allowance left for a question this long."),
            BudgetScope.FAMILY: _(
                "Your family’s shared allowance doesn’t have enough left for a question this long."
            ),
            BudgetScope.SITE: _("This site’s allowance doesn’t have enough left for a question this long."),
        }[rejection.scope]
        way = _(
            "What you wrote is still here, and nothing was charged. Make it shorter, or wait: the allowance "
            "refills %(when)s."
        )
        return f"{words} {way % {'when': _format_refill_in_sentence(rejection.refills_at, person)}}"
    words = {
        BudgetScope.PERSON: _("You have used your allowance. It refills %(when)s."),
        BudgetScope.FAMILY: _("Your family has used its shared allowance. It refills %(when)s."),
        BudgetScope.SITE: _("This site has used its allowance. It refills %(when)s."),
    }[rejection.scope]
    question_kept = _("What you wrote is still here, and nothing was charged.")
    return f"{words % {'when': _format_refill_in_sentence(rejection.refills_at, person)}} {question_kept}"


def format_brief_reason(scope: str, refills_at: datetime, person: Person) -> str:
    """Return why an answer is shorter than usual."""
    if scope == PACE_SCOPE:
        return _("This answer is short because you had asked a lot within an hour.")
    words = {
        BudgetScope.PERSON: _(
            "This answer is shorter than usual because you have little of your allowance left. It refills "
            "%(when)s."
        ),
        BudgetScope.FAMILY: _(
            "This answer is shorter than usual because your family has little of its shared allowance left. It "
            "refills %(when)s."
        ),
        BudgetScope.SITE: _(
            "This answer is shorter than usual because this site has little of its allowance left. It refills "
            "%(when)s."
        ),
    }[BudgetScope(scope)]
    return words % {"when": _format_refill_in_sentence(refills_at, person)}


def format_meter(meter: Meter, person: Person) -> str:
    """Return how much of the allowance is left, in short answers, and when it refills."""
    if meter.short_answers is None:
        return _("No usage limit")
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


def format_pace(ends_at: datetime, person: Person) -> str:
    """Say on the meter, before the next question, that its answer will be short, and until when."""
    when = _format_refill_in_sentence(ends_at, person)
    return _("You’ve asked a lot within an hour. Answers are short until that has passed, %(when)s.") % {
        "when": when
    }


def format_stop(stop: SiteStop, person: Person) -> str:
    """Say why an admin has stopped the tutor on the whole site. Adults also read who did, and when."""
    if person.role == Role.TEEN:
        return stop.reason
    values = {
        "when": _format_moment_in_sentence(stop.at, person),
        "who": str(stop.by) if stop.by else _("an admin"),
        "reason": stop.reason,
    }
    return _("%(reason)s Stopped by %(who)s %(when)s.") % values


def _format_moment_in_sentence(moment: datetime, person: Person) -> str:
    local_moment = localtime(moment, person.zone)
    return _("on %(date)s at %(time)s") % {
        "date": date_format(local_moment, "MONTH_DAY_FORMAT"),
        "time": format_time_in_zone(moment, person.zone).removesuffix("."),
    }


def _format_refill_in_sentence(moment: datetime, person: Person) -> str:
    """Format a refill time for the end of a sentence, without the period of “at 7 a.m.”."""
    return format_refill_time(moment, person).removesuffix(".")


def format_refill_time(moment: datetime, person: Person) -> str:
    """Format a time in the person's time zone, with the date if it is more than a day away.

    The zone is named until the person has confirmed it.
    """
    local_moment = localtime(moment, person.zone)
    clock = (
        date_format(local_moment, "TIME_FORMAT")
        if person.is_zone_confirmed
        else format_time_in_zone(moment, person.zone)
    )
    if moment - timezone.now() <= timedelta(days=1):
        return _("at %(time)s") % {"time": clock}
    return _("on %(date)s at %(time)s") % {
        "date": date_format(local_moment, "MONTH_DAY_FORMAT"),
        "time": clock,
    }


type Rejection = QuestionRejected | InsufficientBudget | SiteStopped | RateLimited
REJECTIONS = (QuestionRejected, InsufficientBudget, SiteStopped, RateLimited)


def format_rejection(rejection: Rejection, person: Person) -> str:
    """Return why a question was rejected, whether it was kept, and what to do now."""
    if isinstance(rejection, RateLimited):
        return format_rate_limited(rejection)
    if isinstance(rejection, (InsufficientBudget, SiteStopped)):
        return format_budget_rejection(rejection, person)
    if isinstance(rejection, QuestionTooLong):
        return format_too_long(rejection)
    if isinstance(rejection, NoModelLeft):
        return _format_no_model_left(rejection)
    return {
        QuestionEmpty: _("Write your question first."),
        TurnIdTaken: _("This page was out of date. What you wrote is still here. Press the button again."),
        ConversationGone: _(
            "This conversation was deleted. What you wrote is still here, and you can ask it in a new one."
        ),
        StillAnswering: _(
            "Your last question is still being answered. Wait for the answer or stop it, then ask this one."
        ),
        FollowUpNotOffered: _(
            "Show a step of yours first, right or wrong. Then you can ask for the whole way."
        ),
        TooManyDeferred: _(
            "You already have as many questions waiting as we can save. What you wrote is still here. Withdraw "
            "one of them first, or try now."
        ),
        PersonalDataFound: _("Your question hasn’t been sent yet. Check the personal details in it."),
        TutorPaused: _("The tutor is resting for now. What you wrote is still here."),
        FamilyClosed: _(
            "The tutor is closed for now. What you wrote is still here, and help is always available."
        ),
        TutorClosed: _("The tutor isn’t open on this site yet. Help is always available."),
    }[type(rejection)]


def _format_no_model_left(rejection: NoModelLeft) -> str:
    if rejection.must_stay_local:
        return _(
            "Your question has to stay on this site’s own computers, and no model runs there now. What you wrote is "
            "still here."
        )
    return _("No model can answer your question right now. What you wrote is still here. Try again later.")


def format_too_long(rejection: QuestionTooLong) -> str:
    """Return how long the question is, how long it may be, and what to do now."""
    if not isinstance(rejection, TooLongForModel):
        return format_length_error(rejection.length, rejection.limit)
    return _(
        "The model on this site can’t read all of this at once. What you wrote is still here, and nothing was "
        "charged. It has %(length)s characters. Send about %(limit)s of them, including your question."
    ) % {"length": format_character_count(rejection.length), "limit": format_character_count(rejection.limit)}
