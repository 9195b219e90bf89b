"""What workers do with turns: claim one, keep it, end it, and pick up what a dead worker left.

A claim is a lease. Whoever holds it renews it at every checkpoint; once it runs out the turn may be taken
away, and what the former holder still says about it changes nothing.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from chat import streaming
from chat.models import QUEUED_AT, Ending, State, Turn
from chat.turns import queue
from chat.turns.outages import SERVER_FAULTS, comes_back, defer_again, note_fault
from chat.turns.outcomes import Outcome, ended_fields, settle
from chat.turns.queue import next_in_line, stands_still
from chat.turns.retries import lock_with_retried, settle_retry
from chat.turns.verdicts import name_plainly
from kit.connections import lock_number
from kit.sql import read_sql

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=10)
# A nudge that was lost is sent again after this long, and a turn that nobody takes fails after the second.
RENUDGE_AFTER = timedelta(seconds=4)
GIVE_UP_AFTER = timedelta(minutes=2)
# A hold lives for twenty minutes; whoever has waited this long is better told so, and asks again.
LONGEST_WAIT = timedelta(minutes=10)
MOST_NUDGES = 8
MOST_DELIVERIES = 3
# The name of the lock under which turns are claimed: any number that nothing else here uses.
CLAIMING = 7_316_001


@transaction.atomic
def turns_claim(*, places: int) -> list[Turn]:
    """Take the turns that are next in line, `places` of them at most, for this worker.

    Nobody has two turns written at the same time, whichever workers take them.
    """
    # Claims are made one after another, so that two workers cannot each begin a turn of the same person.
    lock_number(CLAIMING)
    if not (chosen := next_in_line(places)):
        return []
    claim, now = uuid4(), timezone.now()
    Turn.objects.filter(pk__in=chosen, state=State.QUEUED).update(
        state=State.WORKING,
        claim=claim,
        claimed_at=now,
        lease_until=now + LEASE,
        deliveries=F("deliveries") + 1,
        model=settings.TUTOR_MODEL,
    )
    return list(Turn.objects.select_related("conversation").filter(claim=claim).order_by("asked_at"))


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What has been written of a claimed turn so far."""

    turn_id: UUID
    claim: UUID
    answer: str
    answer_tokens: int


@dataclass(frozen=True)
class Standing:
    """What a checkpoint found: whether the claim still holds, and whether somebody pressed Stop."""

    holds: bool
    stop_asked: bool


LOST = Standing(holds=False, stop_asked=False)

CHECKPOINT_TURNS = read_sql(__file__, "checkpoint_turns")


def turns_checkpoint(*, kept: Sequence[Checkpoint]) -> Mapping[UUID, Standing]:
    """Renew the leases of many turns and keep what has been generated, so that a crash bills that and no more.

    It is one statement, as a worker does it every second for all that it writes. Returns how each of them stands.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            CHECKPOINT_TURNS,
            {
                "lease_until": timezone.now() + LEASE,
                "ids": [one.turn_id for one in kept],
                "claims": [one.claim for one in kept],
                "answers": [one.answer for one in kept],
                "tokens": [one.answer_tokens for one in kept],
            },
        )
        found = {turn_id: Standing(holds=True, stop_asked=asked) for turn_id, asked in cursor.fetchall()}
    return {one.turn_id: found.get(one.turn_id, LOST) for one in kept}


def turn_finish(*, turn: Turn, outcome: Outcome) -> bool:
    """End a turn: keep its answer, settle its hold, tell its readers. Its hold settles exactly once.

    False when the claim was lost: to the sweeper, which has settled, or to a deletion, which left the settling
    to this worker.
    """
    if comes_back(turn, outcome) and defer_again(turn, outcome):
        _note_fault(outcome)
        return True
    with transaction.atomic():
        if turn.retry_of_id:
            lock_with_retried(turn.pk)
        mine = Turn.objects.filter(pk=turn.pk, claim=turn.claim)
        ended = mine.update(**ended_fields(outcome))
        is_gone = not ended and not Turn.objects.filter(pk=turn.pk).exists()
        if is_gone and outcome.ending == Ending.WORKER_LOST:
            # Deleting a conversation while it is being answered is a way of stopping it, and costs as much.
            outcome = replace(outcome, state=State.STOPPED, ending=Ending.ASKED)
        if ended or is_gone:
            settle(turn.hold_key, outcome)
            transaction.on_commit(outcome.count)
        if ended and outcome.verdict:
            name_plainly(turn)
        if ended and turn.retry_of_id:
            settle_retry(turn.pk)
        if ended:
            transaction.on_commit(lambda: streaming.end(turn.pk))
        elif is_gone:
            # What was deleted while it was being written must not live on as its echo.
            transaction.on_commit(lambda: streaming.forget(turn.pk))
    _note_fault(outcome)
    return bool(ended)


def _note_fault(outcome: Outcome) -> None:
    # In a transaction of its own, so that answers which fail together do not wait for each other's.
    if outcome.ending in SERVER_FAULTS:
        note_fault(outcome.ending)


def turns_sweep(*, now: datetime | None = None) -> int:
    """Find every turn that nobody is working on and move it on. Returns how many were moved."""
    now = now or timezone.now()
    queued = Turn.objects.filter(state=State.QUEUED).annotate(at=QUEUED_AT)
    asked = dict(queued.filter(at__lte=now - RENUDGE_AFTER).order_by("at").values_list("pk", "at"))
    patience = LONGEST_WAIT
    # A long queue that moves is no reason to give up: whoever waits is told how long it may take.
    if (
        asked
        and min(asked.values()) <= now - GIVE_UP_AFTER
        and stands_still(now=now, since=now - GIVE_UP_AFTER)
    ):
        patience = GIVE_UP_AFTER
    stale = [turn_id for turn_id, at in asked.items() if at <= now - patience]
    late = [turn_id for turn_id, at in asked.items() if at > now - patience]
    lost = list(Turn.objects.filter(state=State.WORKING, lease_until__lt=now).values_list("pk", flat=True))
    for turn_id in stale:
        _give_up(turn_id)
    # Any nudge makes a worker take as many as it can, so a few are enough.
    for turn_id in late[:MOST_NUDGES]:
        queue.send(turn_id)
    for turn_id in lost:
        _recover(turn_id, now)
    return len(stale) + len(late) + len(lost)


@transaction.atomic
def _give_up(turn_id: UUID) -> None:
    lock_with_retried(turn_id)
    turn = Turn.objects.filter(pk=turn_id, state=State.QUEUED).first()
    nothing = Outcome(
        state=State.FAILED, ending=Ending.NEVER_STARTED, answer="", prompt_tokens=0, answer_tokens=0
    )
    if turn is None or (comes_back(turn, nothing) and defer_again(turn, nothing)):
        return
    if Turn.objects.filter(pk=turn_id, state=State.QUEUED).update(**ended_fields(nothing)):
        settle_retry(turn_id)
        settle(turn.hold_key, nothing)
        transaction.on_commit(nothing.count)
        transaction.on_commit(lambda: streaming.end(turn_id))


@transaction.atomic
def _recover(turn_id: UUID, now: datetime) -> None:
    """End, or begin again, a turn whose worker let its lease run out."""
    lock_with_retried(turn_id)
    turn = (
        Turn.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(pk=turn_id, state=State.WORKING, lease_until__lt=now)
        .first()
    )
    if turn is None:
        return
    # The stream is written several times a second, the checkpoint once: the later of the two is what was made.
    seen = streaming.written(turn_id) or streaming.Written()
    answer = max(seen.text, turn.answer, key=len)
    tokens = max(seen.tokens, turn.answer_tokens)
    if not tokens and turn.deliveries < MOST_DELIVERIES and not turn.stop_asked_at:
        turn.state, turn.claim, turn.lease_until = State.QUEUED, None, None
        turn.save(update_fields=["state", "claim", "lease_until"])
        transaction.on_commit(lambda: queue.send(turn_id))
        return
    outcome = Outcome(
        state=State.STOPPED if turn.stop_asked_at else State.FAILED,
        ending=Ending.ASKED if turn.stop_asked_at else Ending.WORKER_LOST,
        answer=answer,
        prompt_tokens=turn.prompt_tokens if tokens else 0,
        answer_tokens=tokens,
    )
    if comes_back(turn, outcome) and defer_again(turn, outcome):
        return
    Turn.objects.filter(pk=turn_id).update(**ended_fields(outcome))
    settle_retry(turn_id)
    settle(turn.hold_key, outcome)
    transaction.on_commit(outcome.count)
    transaction.on_commit(lambda: streaming.end(turn_id))
