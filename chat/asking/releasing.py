"""Sends questions on that waited for the model, a few at a time, once they may be answered (ADR 40).

All that was checked when they were asked is checked again: hours may have passed.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from budgets.errors import BudgetShort, SiteStopped
from chat.answering.watch import Watch, watches
from chat.asking.services import find_passages, hold_for
from chat.errors import ModelNotInPlan, QuestionTooLong
from chat.models import Conversation, Ending, State, Turn, WaitsFor
from chat.prompt import prompt_for
from chat.selectors import pasts_of, pause_of, turns_once, turns_shown
from chat.turns import queue
from chat.turns.outages import end_deferred, expire_deferred, outcome_without_answer, watch_model
from chat.turns.outcomes import Outcome
from chat.turns.retries import continued_by, lock_with_retried
from chat.turns.verdicts import FIXED
from families.gate import Closed, Gate, gate_of
from guard import Verdict, action_for
from inference import loop
from kit.connections import lock_number
from safeguarding.review import chat_is_open

logger = logging.getLogger(__name__)

# How many of them are in the queue or being written at a time; people who ask now need places too.
MOST_UNDER_WAY = 4
# One that may not be answered yet is looked at again after so long.
LOOK_AGAIN = timedelta(minutes=1)
LONGEST_LOOK_AGAIN = timedelta(minutes=5)
# The name of the lock under which they are sent on: any number that nothing else here uses.
RELEASING = 7_316_002
# The remote guard is asked about so many at a time.
JUDGED_AT_ONCE = 20


def watch_deferred() -> int:
    """What beat does every few seconds. Returns how many questions were sent on."""
    judge_deferred()
    expire_deferred()
    outage = watch_model()
    if outage is None:
        return release_deferred(places=max(1, min(MOST_UNDER_WAY, settings.TUTOR_PLACES // 2)))
    # While the model may be down one question tries it, and comes back where it is.
    return release_deferred(places=1) if outage.is_reachable else 0


def release_deferred(*, places: int) -> int:
    """Send on what is next, so that `places` of them are under way at most. Returns how many were sent on."""
    if not Turn.objects.filter(_is_due(timezone.now())).exists():
        return 0
    released = 0
    while (turn := _release_next(places)) is not None:
        released += turn.state == State.QUEUED
    return released


def _is_due(now: datetime) -> Q:
    return Q(state=State.DEFERRED) & (Q(try_after=None) | Q(try_after__lte=now))


@transaction.atomic
def _release_next(places: int) -> Turn | None:
    """Decide about the next turn: it is sent on, waits longer, or ends. None when there is no next one or no place."""
    # One after another, so that two workers neither take the same turn nor more than there are places.
    lock_number(RELEASING)
    under_way = Turn.objects.filter(
        deferred_at__isnull=False, state__in=[State.QUEUED, State.WORKING]
    ).count()
    if under_way >= places:
        return None
    # Somebody for whom something is being answered gets that first.
    theirs = Turn.objects.filter(
        conversation__owner=OuterRef("conversation__owner"), state__in=[State.QUEUED, State.WORKING]
    )
    due = Turn.objects.filter(_is_due(timezone.now())).exclude(Exists(theirs))
    # One that came back gives way to others: the fault may be its own.
    chosen = due.order_by("returns", "deferred_at", "pk").values_list("pk", "conversation_id").first()
    if chosen is None:
        return None
    turn_id, conversation_id = chosen
    # In the order of asking: the conversation before its turns.
    list(Conversation.objects.select_for_update().filter(pk=conversation_id).values_list("pk"))
    lock_with_retried(turn_id)
    turn = Turn.objects.select_related("conversation__owner").filter(pk=turn_id).first()
    if turn is not None and turn.state == State.DEFERRED:
        _decide(turn)
    return turn or _release_next(places)


def _decide(turn: Turn) -> None:
    person = turn.conversation.owner
    gate, pause = gate_of(person), pause_of(person)
    if gate.closed == Closed.CONSENT:
        _end(turn, Ending.NO_CONSENT)
    elif not chat_is_open():
        _wait(turn, WaitsFor.SITE)
    elif gate.closed:
        _wait(turn, WaitsFor.FAMILY, gate.until)
    elif pause:
        _wait(turn, WaitsFor.PAUSE)
    else:
        try:
            with transaction.atomic():
                _hold(turn, gate)
        except BudgetShort as short:
            _wait(turn, WaitsFor.BUDGET, short.refills_at)
        except (SiteStopped, ModelNotInPlan):
            _wait(turn, WaitsFor.SITE)
        except QuestionTooLong:
            _end(turn, Ending.TOO_LONG)
        else:
            _send_on(turn)


def _hold(turn: Turn, gate: Gate) -> None:
    past, continued = _past_of(turn), continued_by([turn])[turn.pk]
    passages = find_passages(turn.question, past, continued, language=turn.language)
    hold_for(turn, past, passages, continued, person=turn.conversation.owner, gate=gate)


def _past_of(turn: Turn) -> list[Turn]:
    past = turns_once(turns_shown(turn.conversation))
    return list(past.exclude(pk__in=[pk for pk in (turn.pk, turn.retry_of_id) if pk]))


def _send_on(turn: Turn) -> None:
    turn.state, turn.waits_for = State.QUEUED, WaitsFor.NOTHING
    turn.released_at, turn.try_after = timezone.now(), None
    turn.save()
    transaction.on_commit(lambda: queue.send(turn.pk))


def _wait(turn: Turn, waits_for: WaitsFor, until: datetime | None = None) -> None:
    now = timezone.now()
    # Looked at again before that as well: a parent may change the hours, or an admin the budget.
    turn.waits_for, turn.try_after = waits_for, min(until or now + LOOK_AGAIN, now + LONGEST_LOOK_AGAIN)
    turn.save(update_fields=["waits_for", "try_after"])


def _end(turn: Turn, ending: Ending) -> None:
    end_deferred(turn, outcome_without_answer(ending))
    turn.refresh_from_db()


def judge_deferred() -> None:
    """Ask a guard elsewhere about questions that wait, at once: a help card does not wait for a model."""
    if not watches():
        return
    unjudged = Turn.objects.filter(state=State.DEFERRED, guard_asked_at=None).select_related("conversation")
    turns = list(unjudged.order_by("deferred_at")[:JUDGED_AT_ONCE])
    if not turns:
        return
    for turn, verdict in zip(turns, loop.submit(_verdicts_on(_watches_over(turns))).result(), strict=True):
        Turn.objects.filter(pk=turn.pk).update(guard_asked_at=timezone.now())
        if verdict:
            state = FIXED[action_for(verdict)]
            end_deferred(
                turn,
                Outcome(
                    state=state,
                    ending=Ending.NONE,
                    answer="",
                    prompt_tokens=0,
                    answer_tokens=0,
                    verdict=verdict,
                ),
            )


def _watches_over(turns: Sequence[Turn]) -> list[Watch]:
    pasts, continued = pasts_of(turns), continued_by(turns)
    return [
        Watch.over(
            prompt_for(
                turn.question,
                past=pasts.get(turn.pk, ()),
                memory_tokens=turn.memory_tokens,
                language=turn.language,
                continued=continued[turn.pk],
            )
        )
        for turn in turns
    ]


async def _verdicts_on(questions: Sequence[Watch]) -> list[Verdict | None]:
    return await asyncio.gather(*map(_verdict_on, questions))


async def _verdict_on(watch: Watch) -> Verdict | None:
    async with watch:
        await watch.hear_out()
    return watch.asks_for
