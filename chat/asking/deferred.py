"""Releases deferred turns, a few at a time, once they may be answered (ADR 40).

A turn passes every check of a new question again, because hours may have passed.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from budgets.errors import InsufficientBudget, SiteStopped
from budgets.selectors import get_plan
from chat.answering.remote_gate import RemoteGate
from chat.asking.assessment import find_passages, find_quiz_subject
from chat.errors import NoModelLeft, QuestionTooLong
from chat.model_choice import PromptParts, create_turn_hold
from chat.models import Conversation, EndReason, Turn, TurnState, WaitsFor
from chat.prompt import build_prompt
from chat.selectors import (
    drop_duplicate_questions,
    drop_forgotten,
    find_pause,
    get_continued_turns,
    get_earlier_turns,
    list_shown_turns,
    wants_spanning_notes,
)
from chat.turns import queue
from chat.turns.outages import build_outcome_without_answer, check_models, end_deferred, end_expired_deferred
from chat.turns.outcomes import Outcome, lock_with_retried
from chat.turns.verdicts import FIXED_STATES
from families.gate import ClosedReason, TutorGate, get_tutor_gate
from guard import Verdict, action_for
from inference import loop
from inference.location import has_remote_guard
from kit.connections import acquire_numbered_lock
from routing.registry import list_models
from safeguarding.review import is_tutor_open

logger = logging.getLogger(__name__)

# How many released turns are queued or being written at a time. The rest is for people who ask now.
MAX_RELEASED = 4
# A turn that may not be answered yet is checked again after this time.
RECHECK_AFTER = timedelta(minutes=1)
MAX_RECHECK_AFTER = timedelta(minutes=5)
# The advisory lock for releasing turns: a number that no other lock uses.
RELEASE_LOCK = 7_316_002
# How many questions the remote guard judges at a time.
JUDGE_BATCH_SIZE = 20


def watch_deferred() -> int:
    """Judge, expire and release deferred turns. Celery beat runs this every few seconds.

    Returns how many turns were released.
    """
    judge_deferred()
    end_expired_deferred()
    outages = check_models()
    down = {outage.model_id for outage in outages}
    if any(model.pk not in down for model in list_models()):
        return release_deferred(limit=max(1, min(MAX_RELEASED, settings.TUTOR_CONCURRENCY // 2)))
    # While every model may be down, only one question tries; it is deferred again if that fails.
    return release_deferred(limit=1) if any(outage.is_reachable for outage in outages) else 0


def release_deferred(*, limit: int) -> int:
    """Release the next deferred turns, so that at most `limit` are queued or being written. Returns how many."""
    if not Turn.objects.filter(_is_due(timezone.now())).exists():
        return 0
    released = 0
    while (turn := _release_next(limit)) is not None:
        released += turn.state == TurnState.QUEUED
    return released


def _is_due(now: datetime) -> Q:
    return Q(state=TurnState.DEFERRED) & (Q(try_after=None) | Q(try_after__lte=now))


@transaction.atomic
def _release_next(limit: int) -> Turn | None:
    """Release the next due turn, let it wait longer, or end it. Returns it; None if none is due or can be released."""
    # The lock keeps two workers from releasing the same turn, or more turns than allowed.
    acquire_numbered_lock(RELEASE_LOCK)
    in_progress = Turn.objects.filter(
        deferred_at__isnull=False, state__in=[TurnState.QUEUED, TurnState.WORKING]
    ).count()
    if in_progress >= limit:
        return None
    # Skip people who have another turn queued or being written.
    same_person = Turn.objects.filter(
        conversation__owner=OuterRef("conversation__owner"), state__in=[TurnState.QUEUED, TurnState.WORKING]
    )
    due = Turn.objects.filter(_is_due(timezone.now())).exclude(Exists(same_person))
    # Turns that failed before come last: they may be the cause.
    chosen = due.order_by("failed_tries", "deferred_at", "pk").values_list("pk", "conversation_id").first()
    if chosen is None:
        return None
    turn_id, conversation_id = chosen
    # Lock the conversation before its turns, in the same order as asking does.
    list(Conversation.objects.select_for_update().filter(pk=conversation_id).values_list("pk"))
    lock_with_retried(turn_id)
    turn = Turn.objects.select_related("conversation__owner").filter(pk=turn_id).first()
    if turn is not None and turn.state == TurnState.DEFERRED:
        _release_or_wait(turn)
    return turn or _release_next(limit)


def _release_or_wait(turn: Turn) -> None:
    person = turn.conversation.owner
    gate, pause = get_tutor_gate(person), find_pause(person)
    if gate.closed_reason == ClosedReason.CONSENT:
        _end_without_answer(turn, EndReason.NO_CONSENT)
    elif not is_tutor_open():
        _keep_waiting(turn, WaitsFor.SITE)
    elif gate.closed_reason:
        _keep_waiting(turn, WaitsFor.FAMILY, gate.until)
    elif pause:
        _keep_waiting(turn, WaitsFor.PAUSE)
    else:
        try:
            with transaction.atomic():
                _create_hold(turn, gate)
        except InsufficientBudget as error:
            _keep_waiting(turn, WaitsFor.BUDGET, error.refills_at)
        except (SiteStopped, NoModelLeft):
            _keep_waiting(turn, WaitsFor.SITE)
        except QuestionTooLong:
            _end_without_answer(turn, EndReason.TOO_LONG)
        else:
            _enqueue(turn)


def _create_hold(turn: Turn, gate: TutorGate) -> None:
    earlier_turns, continued = _list_earlier_turns(turn), get_continued_turns([turn])[turn.pk]
    remembered = drop_forgotten(earlier_turns, turn.conversation)
    about = find_quiz_subject(turn.retry_of) if turn.retry_of else turn.about
    subjects = continued or ([about] if about else ())
    passages = find_passages(turn.question, remembered, subjects, language=turn.language)
    parts = PromptParts(earlier_turns, passages, continued)
    person = turn.conversation.owner
    create_turn_hold(
        turn,
        parts,
        person=person,
        gate=gate,
        plan=get_plan(person),
        wants_spanning_notes=wants_spanning_notes(person),
    )


def _list_earlier_turns(turn: Turn) -> list[Turn]:
    earlier_turns = drop_duplicate_questions(list_shown_turns(turn.conversation))
    return list(earlier_turns.exclude(pk__in=[pk for pk in (turn.pk, turn.retry_of_id) if pk]))


def _enqueue(turn: Turn) -> None:
    turn.state, turn.waits_for = TurnState.QUEUED, WaitsFor.NOTHING
    turn.released_at, turn.try_after = timezone.now(), None
    turn.save()
    transaction.on_commit(lambda: queue.nudge_worker(turn.pk))


def _keep_waiting(turn: Turn, waits_for: WaitsFor, until: datetime | None = None) -> None:
    now = timezone.now()
    # Check again before `until`: a parent may change the hours, or an admin the budget.
    turn.waits_for, turn.try_after = waits_for, min(until or now + RECHECK_AFTER, now + MAX_RECHECK_AFTER)
    turn.save(update_fields=["waits_for", "try_after"])


def _end_without_answer(turn: Turn, end_reason: EndReason) -> None:
    end_deferred(turn, build_outcome_without_answer(end_reason))
    turn.refresh_from_db()


def judge_deferred() -> None:
    """Have the remote guard judge deferred questions right away: a crisis card must not wait for the model."""
    if not has_remote_guard():
        return
    unjudged = Turn.objects.filter(
        state=TurnState.DEFERRED, guard_asked_at=None, skips_remote_guard=False
    ).select_related("conversation")
    turns = list(unjudged.order_by("deferred_at")[:JUDGE_BATCH_SIZE])
    if not turns:
        return
    for turn, verdict in zip(
        turns, loop.submit(_judge_all(_build_remote_gates(turns))).result(), strict=True
    ):
        Turn.objects.filter(pk=turn.pk).update(guard_asked_at=timezone.now())
        if verdict:
            state = FIXED_STATES[action_for(verdict)]
            end_deferred(
                turn,
                Outcome(
                    state=state,
                    end_reason=EndReason.NONE,
                    answer="",
                    prompt_tokens=0,
                    answer_tokens=0,
                    verdict=verdict,
                ),
            )


def _build_remote_gates(turns: Sequence[Turn]) -> list[RemoteGate]:
    earlier_by_turn, continued = get_earlier_turns(turns), get_continued_turns(turns)
    return [
        RemoteGate.for_prompt(
            build_prompt(
                turn.question,
                remembered=drop_forgotten(earlier_by_turn.get(turn.pk, ()), turn.conversation),
                memory_policy=turn.memory_policy,
                memory_tokens=turn.memory_tokens,
                language=turn.language,
                continued=continued[turn.pk],
            )
        )
        for turn in turns
    ]


async def _judge_all(gates: Sequence[RemoteGate]) -> list[Verdict | None]:
    return await asyncio.gather(*map(_judge, gates))


async def _judge(gate: RemoteGate) -> Verdict | None:
    async with gate:
        await gate.await_question_verdict()
    return gate.question_verdict
