"""What workers do with turns: claim, checkpoint and finish them, and recover those of a dead worker.

A claim is held for a lease, which each checkpoint renews. Once the lease has run out another worker may claim the
turn; later writes under the old claim change nothing.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils import timezone

from chat import streaming
from chat.answering.quizzes import add_quiz
from chat.models import QUEUED_AT, Conversation, EndReason, Turn, TurnState
from chat.turns import queue
from chat.turns.crises import record_crisis
from chat.turns.outages import MODEL_FAILURES, defer_again, record_model_failure, should_defer_again
from chat.turns.outcomes import (
    Outcome,
    build_ended_fields,
    choose_shown_turn,
    choose_turn_notes,
    lock_with_retried,
    resolve_hold,
    store_notes,
)
from chat.turns.queue import SERVED_WINDOW, choose_next_turns, is_stalled
from chat.turns.verdicts import reset_title
from inference.tokens import estimate_max_tokens
from kit.connections import acquire_numbered_lock
from kit.sql import build_instance, list_columns, read_sql
from routing import breaker
from routing.registry import find_model, list_models

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=10)
# A turn that has been queued for RENUDGE_AFTER is nudged again. After GIVE_UP_AFTER it fails if no worker claims any.
RENUDGE_AFTER = timedelta(seconds=4)
GIVE_UP_AFTER = timedelta(minutes=2)
# A hold lives for 20 minutes. A person who has waited this long should be told, and can ask again.
MAX_QUEUE_WAIT = timedelta(minutes=10)
MAX_NUDGES = 8
MAX_CLAIMS = 3
# The advisory lock for claiming turns: a number that no other lock uses.
CLAIM_LOCK = 7_316_001


CLAIM_SQL = read_sql(__file__, "claim_turns") % {
    "turn": list_columns(Turn, "claimed_turn"),
    "conversation": list_columns(Conversation, "claimed_conversation"),
}


# Also around one statement: if the worker is killed while it waits for the lock, nothing must be claimed for it.
@transaction.atomic
def claim_turns(*, limit: int) -> list[Turn]:
    """Claim the next turns in the queue for this worker, at most `limit` of them, and return them by time asked.

    A person never has two turns written at the same time, even by different workers.
    """
    if not any(model.max_answers for model in list_models()):
        return _claim(limit=limit)
    # Claims are serialized, so that two workers cannot each claim a turn of the same person.
    acquire_numbered_lock(CLAIM_LOCK)
    if not (chosen := choose_next_turns(limit)):
        return []
    for turn_id, model in chosen.items():
        if model:
            # The hold stays: such a model costs no more.
            moved = Turn.objects.filter(pk=turn_id, state=TurnState.QUEUED)
            moved.update(tutor_model=model, model=model.model_name)
    return _claim(limit=limit, chosen=list(chosen))


def _claim(*, limit: int, chosen: list[UUID] | None = None) -> list[Turn]:
    """Claim these turns, or the next ones, in one statement."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            CLAIM_SQL,
            {
                "lock": CLAIM_LOCK,
                "limit": limit,
                "chosen": chosen,
                "claim": uuid4(),
                "now": now,
                "lease_until": now + LEASE,
                "served_since": now - SERVED_WINDOW,
            },
        )
        rows = cursor.fetchall()
    return sorted(map(_build_claimed_turn, rows), key=lambda turn: turn.asked_at)


def _build_claimed_turn(row: Sequence[Any]) -> Turn:
    values = iter(row)
    turn = build_instance(Turn, values)
    turn.conversation = build_instance(Conversation, values)
    turn.has_other_turns, turn.has_notes = values
    # Use the cached model. If it is no longer usable, Django loads it from the database when it is needed.
    if model := find_model(turn.tutor_model_id):
        turn.tutor_model = model
    return turn


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The answer of a claimed turn so far, without the sentence that was not judged yet."""

    turn_id: UUID
    claim: UUID
    answer: str
    answer_tokens: int


@dataclass(frozen=True)
class LeaseStatus:
    """What a checkpoint found: whether the claim still holds, and whether the turn should stop."""

    is_held: bool
    is_stop_requested: bool


LEASE_LOST = LeaseStatus(is_held=False, is_stop_requested=False)

CHECKPOINT_SQL = read_sql(__file__, "checkpoint_turns")


def checkpoint_turns(*, checkpoints: Sequence[Checkpoint]) -> Mapping[UUID, LeaseStatus]:
    """Renew the leases of turns and store their answers so far, so that after a crash no more than these is charged.

    Uses one statement, because a worker runs it every second for all its answers. Returns the status of each lease by
    turn id.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            CHECKPOINT_SQL,
            {
                "lease_until": timezone.now() + LEASE,
                "ids": [checkpoint.turn_id for checkpoint in checkpoints],
                "claims": [checkpoint.claim for checkpoint in checkpoints],
                "answers": [checkpoint.answer for checkpoint in checkpoints],
                "tokens": [checkpoint.answer_tokens for checkpoint in checkpoints],
            },
        )
        claims = {
            turn_id: LeaseStatus(is_held=True, is_stop_requested=is_stop_requested)
            for turn_id, is_stop_requested in cursor.fetchall()
        }
    return {checkpoint.turn_id: claims.get(checkpoint.turn_id, LEASE_LOST) for checkpoint in checkpoints}


def finish_turn(*, turn: Turn, outcome: Outcome) -> bool:
    """End a turn: store its answer, settle its hold exactly once, and tell its readers.

    Returns False if the claim was lost: to a sweep, which has settled the hold, or to a deletion, after which this
    worker settles it.
    """
    if should_defer_again(turn, outcome) and defer_again(turn, outcome):
        _record_health(turn, outcome)
        return True
    outcome = add_quiz(turn, outcome) if turn.asks_for_quiz else outcome
    with transaction.atomic():
        if turn.retry_of_id:
            lock_with_retried(turn.pk)
        claimed = Turn.objects.filter(pk=turn.pk, claim=turn.claim)
        ended_fields = build_ended_fields(outcome)
        ended = claimed.update(**ended_fields)
        is_gone = not ended and not Turn.objects.filter(pk=turn.pk).exists()
        if is_gone and outcome.end_reason == EndReason.WORKER_LOST:
            # Deleting a conversation while it is being answered costs as much as stopping it.
            outcome = replace(outcome, state=TurnState.STOPPED, end_reason=EndReason.STOPPED_BY_ASKER)
        if ended or is_gone:
            resolve_hold(turn, outcome)
            transaction.on_commit(outcome.record)
        if ended and outcome.verdict:
            reset_title(turn)
            record_crisis(turn, outcome.verdict, person=turn.conversation.owner, state=outcome.state)
        if ended and outcome.notes:
            store_notes(turn, outcome.notes)
        if ended and turn.retry_of_id:
            choose_shown_turn(turn.pk)
        if ended:
            ended_turn = streaming.dump_ended_turn(turn, ended_fields)
            transaction.on_commit(lambda: streaming.end_stream(turn.pk, ended_turn))
        elif is_gone:
            # A deleted turn must not live on in its stream.
            transaction.on_commit(lambda: streaming.delete_streams(turn.pk))
    _record_health(turn, outcome)
    return bool(ended)


def is_stop_requested(*, turn_id: UUID) -> bool:
    """Return whether the asker has asked for a turn to stop."""
    return Turn.objects.filter(pk=turn_id, stop_requested_at__isnull=False).exists()


def _record_health(turn: Turn, outcome: Outcome) -> None:
    """Record whether the model's server failed or answered."""
    model = turn.tutor_model
    if model is None:
        return
    if outcome.end_reason in MODEL_FAILURES:
        record_model_failure(model, outcome.end_reason, retry_at=outcome.retry_at)
    elif outcome.answer_tokens:
        breaker.record_success(model.pk)


def sweep_turns(*, now: datetime | None = None) -> int:
    """Find the turns that no worker is writing, and nudge, fail or recover them. Returns how many there were."""
    now = now or timezone.now()
    queued = Turn.objects.filter(state=TurnState.QUEUED).annotate(at=QUEUED_AT)
    queued_at = dict(queued.filter(at__lte=now - RENUDGE_AFTER).order_by("at").values_list("pk", "at"))
    patience = MAX_QUEUE_WAIT
    # Do not give up on a long queue that moves: pages say how long the wait may be.
    if (
        queued_at
        and min(queued_at.values()) <= now - GIVE_UP_AFTER
        and is_stalled(now=now, since=now - GIVE_UP_AFTER)
    ):
        patience = GIVE_UP_AFTER
    stale = [turn_id for turn_id, at in queued_at.items() if at <= now - patience]
    late = [turn_id for turn_id, at in queued_at.items() if at > now - patience]
    lost_turns = list(
        Turn.objects.filter(state=TurnState.WORKING, lease_until__lt=now).values_list("pk", flat=True)
    )
    for turn_id in stale:
        _fail_unclaimed(turn_id)
    # A nudge makes a worker claim as many turns as it can, so a few are enough.
    for turn_id in late[:MAX_NUDGES]:
        queue.nudge_worker(turn_id)
    for turn_id in lost_turns:
        _recover_expired(turn_id, now)
    return len(stale) + len(late) + len(lost_turns)


@transaction.atomic
def _fail_unclaimed(turn_id: UUID) -> None:
    lock_with_retried(turn_id)
    turn = Turn.objects.filter(pk=turn_id, state=TurnState.QUEUED).first()
    outcome = Outcome(
        state=TurnState.FAILED,
        end_reason=EndReason.NEVER_STARTED,
        answer="",
        prompt_tokens=0,
        answer_tokens=0,
    )
    if turn is None or (should_defer_again(turn, outcome) and defer_again(turn, outcome)):
        return
    if Turn.objects.filter(pk=turn_id, state=TurnState.QUEUED).update(**build_ended_fields(outcome)):
        choose_shown_turn(turn_id)
        resolve_hold(turn, outcome)
        transaction.on_commit(outcome.record)
        transaction.on_commit(lambda: streaming.end_stream(turn_id))


@transaction.atomic
def _recover_expired(turn_id: UUID, now: datetime) -> None:
    """End or requeue a turn whose lease has run out."""
    lock_with_retried(turn_id)
    turn = (
        Turn.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(pk=turn_id, state=TurnState.WORKING, lease_until__lt=now)
        .first()
    )
    if turn is None:
        return
    # The stream is written more often than the checkpoint. The longer of the two is what was judged.
    streamed = streaming.read_stream(turn_id) or streaming.StreamedAnswer()
    answer = max(streamed.judged_text, turn.answer, key=len)
    tokens = max(streamed.tokens, turn.answer_tokens)
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
        prices=turn.prices,
        prompt_parts=turn.prompt_parts,
    )
    if should_defer_again(turn, outcome) and defer_again(turn, outcome):
        return
    Turn.objects.filter(pk=turn_id).update(**build_ended_fields(outcome))
    if answer:
        # Words go out only once all guards have judged the question.
        store_notes(turn, [(note, estimate_max_tokens(note.text)) for note in choose_turn_notes(turn)])
    choose_shown_turn(turn_id)
    resolve_hold(turn, outcome)
    transaction.on_commit(outcome.record)
    transaction.on_commit(lambda: streaming.end_stream(turn_id))
