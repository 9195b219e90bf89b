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
from chat.models import QUEUED_AT, EndReason, Turn, TurnState
from chat.turns import queue
from chat.turns.outages import SERVER_FAULTS, defer_again, record_fault, should_defer_again
from chat.turns.outcomes import Outcome, build_ended_fields, resolve_hold
from chat.turns.queue import is_stalled, list_next_turns
from chat.turns.retries import choose_shown_turn, lock_with_retried
from chat.turns.verdicts import reset_title
from kit.connections import acquire_numbered_lock
from kit.sql import read_sql

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=10)
# A nudge that was lost is sent again after this long, and a turn that nobody takes fails after the second.
RENUDGE_AFTER = timedelta(seconds=4)
GIVE_UP_AFTER = timedelta(minutes=2)
# A hold lives for twenty minutes; whoever has waited this long is better told so, and asks again.
MAX_QUEUE_WAIT = timedelta(minutes=10)
MAX_NUDGES = 8
MAX_CLAIMS = 3
# The name of the lock under which turns are claimed: any number that nothing else here uses.
CLAIM_LOCK = 7_316_001


@transaction.atomic
def claim_turns(*, places: int) -> list[Turn]:
    """Take the turns that are next in line, `places` of them at most, for this worker.

    Nobody has two turns written at the same time, whichever workers take them.
    """
    # Claims are made one after another, so that two workers cannot each begin a turn of the same person.
    acquire_numbered_lock(CLAIM_LOCK)
    if not (chosen := list_next_turns(places)):
        return []
    claim, now = uuid4(), timezone.now()
    Turn.objects.filter(pk__in=chosen, state=TurnState.QUEUED).update(
        state=TurnState.WORKING,
        claim=claim,
        claimed_at=now,
        lease_until=now + LEASE,
        claim_count=F("claim_count") + 1,
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
class LeaseStatus:
    """What a checkpoint found: whether the claim still holds, and whether somebody pressed Stop."""

    holds: bool
    is_stop_requested: bool


LEASE_LOST = LeaseStatus(holds=False, is_stop_requested=False)

CHECKPOINT_SQL = read_sql(__file__, "checkpoint_turns")


def checkpoint_turns(*, kept: Sequence[Checkpoint]) -> Mapping[UUID, LeaseStatus]:
    """Renew the leases of many turns and keep what has been generated, so that a crash bills that and no more.

    It is one statement, as a worker does it every second for all that it writes. Returns how each of them stands.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            CHECKPOINT_SQL,
            {
                "lease_until": timezone.now() + LEASE,
                "ids": [one.turn_id for one in kept],
                "claims": [one.claim for one in kept],
                "answers": [one.answer for one in kept],
                "tokens": [one.answer_tokens for one in kept],
            },
        )
        found = {
            turn_id: LeaseStatus(holds=True, is_stop_requested=asked) for turn_id, asked in cursor.fetchall()
        }
    return {one.turn_id: found.get(one.turn_id, LEASE_LOST) for one in kept}


def finish_turn(*, turn: Turn, outcome: Outcome) -> bool:
    """End a turn: keep its answer, settle its hold, tell its readers. Its hold settles exactly once.

    False when the claim was lost: to the sweeper, which has settled, or to a deletion, which left the settling
    to this worker.
    """
    if should_defer_again(turn, outcome) and defer_again(turn, outcome):
        _record_fault(outcome)
        return True
    with transaction.atomic():
        if turn.retry_of_id:
            lock_with_retried(turn.pk)
        mine = Turn.objects.filter(pk=turn.pk, claim=turn.claim)
        ended = mine.update(**build_ended_fields(outcome))
        is_gone = not ended and not Turn.objects.filter(pk=turn.pk).exists()
        if is_gone and outcome.end_reason == EndReason.WORKER_LOST:
            # Deleting a conversation while it is being answered is a way of stopping it, and costs as much.
            outcome = replace(outcome, state=TurnState.STOPPED, end_reason=EndReason.STOPPED_BY_ASKER)
        if ended or is_gone:
            resolve_hold(turn.hold_key, outcome)
            transaction.on_commit(outcome.count)
        if ended and outcome.verdict:
            reset_title(turn)
        if ended and turn.retry_of_id:
            choose_shown_turn(turn.pk)
        if ended:
            transaction.on_commit(lambda: streaming.end_stream(turn.pk))
        elif is_gone:
            # What was deleted while it was being written must not live on as its echo.
            transaction.on_commit(lambda: streaming.delete_streams(turn.pk))
    _record_fault(outcome)
    return bool(ended)


def _record_fault(outcome: Outcome) -> None:
    # In a transaction of its own, so that answers which fail together do not wait for each other's.
    if outcome.end_reason in SERVER_FAULTS:
        record_fault(outcome.end_reason)


def sweep_turns(*, now: datetime | None = None) -> int:
    """Find every turn that nobody is working on and move it on. Returns how many were moved."""
    now = now or timezone.now()
    queued = Turn.objects.filter(state=TurnState.QUEUED).annotate(at=QUEUED_AT)
    asked = dict(queued.filter(at__lte=now - RENUDGE_AFTER).order_by("at").values_list("pk", "at"))
    patience = MAX_QUEUE_WAIT
    # A long queue that moves is no reason to give up: whoever waits is told how long it may take.
    if (
        asked
        and min(asked.values()) <= now - GIVE_UP_AFTER
        and is_stalled(now=now, since=now - GIVE_UP_AFTER)
    ):
        patience = GIVE_UP_AFTER
    stale = [turn_id for turn_id, at in asked.items() if at <= now - patience]
    late = [turn_id for turn_id, at in asked.items() if at > now - patience]
    lost = list(
        Turn.objects.filter(state=TurnState.WORKING, lease_until__lt=now).values_list("pk", flat=True)
    )
    for turn_id in stale:
        _fail_unclaimed(turn_id)
    # Any nudge makes a worker take as many as it can, so a few are enough.
    for turn_id in late[:MAX_NUDGES]:
        queue.nudge_worker(turn_id)
    for turn_id in lost:
        _recover_expired(turn_id, now)
    return len(stale) + len(late) + len(lost)


@transaction.atomic
def _fail_unclaimed(turn_id: UUID) -> None:
    lock_with_retried(turn_id)
    turn = Turn.objects.filter(pk=turn_id, state=TurnState.QUEUED).first()
    nothing = Outcome(
        state=TurnState.FAILED,
        end_reason=EndReason.NEVER_STARTED,
        answer="",
        prompt_tokens=0,
        answer_tokens=0,
    )
    if turn is None or (should_defer_again(turn, nothing) and defer_again(turn, nothing)):
        return
    if Turn.objects.filter(pk=turn_id, state=TurnState.QUEUED).update(**build_ended_fields(nothing)):
        choose_shown_turn(turn_id)
        resolve_hold(turn.hold_key, nothing)
        transaction.on_commit(nothing.count)
        transaction.on_commit(lambda: streaming.end_stream(turn_id))


@transaction.atomic
def _recover_expired(turn_id: UUID, now: datetime) -> None:
    """End, or begin again, a turn whose worker let its lease run out."""
    lock_with_retried(turn_id)
    turn = (
        Turn.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(pk=turn_id, state=TurnState.WORKING, lease_until__lt=now)
        .first()
    )
    if turn is None:
        return
    # The stream is written several times a second, the checkpoint once: the later of the two is what was made.
    seen = streaming.read_stream(turn_id) or streaming.StreamedAnswer()
    answer = max(seen.text, turn.answer, key=len)
    tokens = max(seen.tokens, turn.answer_tokens)
    if not tokens and turn.claim_count < MAX_CLAIMS and not turn.stop_requested_at:
        turn.state, turn.claim, turn.lease_until = TurnState.QUEUED, None, None
        turn.save(update_fields=["state", "claim", "lease_until"])
        transaction.on_commit(lambda: queue.nudge_worker(turn_id))
        return
    outcome = Outcome(
        state=TurnState.STOPPED if turn.stop_requested_at else TurnState.FAILED,
        end_reason=EndReason.STOPPED_BY_ASKER if turn.stop_requested_at else EndReason.WORKER_LOST,
        answer=answer,
        prompt_tokens=turn.prompt_tokens if tokens else 0,
        answer_tokens=tokens,
    )
    if should_defer_again(turn, outcome) and defer_again(turn, outcome):
        return
    Turn.objects.filter(pk=turn_id).update(**build_ended_fields(outcome))
    choose_shown_turn(turn_id)
    resolve_hold(turn.hold_key, outcome)
    transaction.on_commit(outcome.count)
    transaction.on_commit(lambda: streaming.end_stream(turn_id))
