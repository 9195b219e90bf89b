"""Changes to turns and conversations other than asking: stop, answer a check-in, rename, delete."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from budgets.services import release_hold, release_holds
from chat import streaming
from chat.models import (
    CHECK_IN_LAYER,
    LIVE_STATES,
    MAX_TITLE_LENGTH,
    Conversation,
    EndReason,
    Turn,
    TurnState,
)
from chat.selectors import find_pause, list_turns
from chat.turns import outcomes
from chat.turns.crises import record_crisis
from chat.turns.outages import build_outcome_without_answer, end_deferred
from chat.turns.verdicts import get_verdict
from guard import Level
from kit.texts import normalize_line
from safeguarding.cards import is_about_safety
from safeguarding.incidents import delete_excerpts

# Counted from the last question: half a year, so that a student can reread in spring what they asked in fall.
CONVERSATION_RETENTION = timedelta(days=180)


@transaction.atomic
def stop_turn(*, turn: Turn, end_reason: EndReason = EndReason.STOPPED_BY_ASKER) -> None:
    """Stop a turn, and the model with it. A queued or deferred turn ends immediately and costs nothing.

    Stopping a turn that has ended does nothing. `end_reason` is STOPPED_BY_ASKER or CONSENT_WITHDRAWN.
    """
    now = timezone.now()
    if end_deferred(turn, build_outcome_without_answer(EndReason.WITHDRAWN, TurnState.STOPPED)):
        return
    if turn.retry_of_id:
        outcomes.lock_with_retried(turn.pk)
    waiting = Turn.objects.filter(pk=turn.pk, state=TurnState.QUEUED)
    if waiting.update(
        state=TurnState.STOPPED, end_reason=end_reason, ended_at=now, stop_requested_at=now, prompt_tokens=0
    ):
        release_hold(key=Turn.objects.get(pk=turn.pk).hold_key)
        if turn.retry_of_id:
            outcomes.choose_shown_turn(turn.pk)
        transaction.on_commit(lambda: outcomes.record_end(state=TurnState.STOPPED, end_reason=end_reason))
        transaction.on_commit(lambda: streaming.end_stream(turn.pk))
        return
    # The worker that ends the turn reads the reason from the row (chat.answering.leases).
    why = {"end_reason": end_reason} if end_reason != EndReason.STOPPED_BY_ASKER else {}
    if Turn.objects.filter(pk=turn.pk, state=TurnState.WORKING).update(stop_requested_at=now, **why):
        # The worker's next checkpoint would read the row; the flag in Valkey stops it sooner.
        transaction.on_commit(lambda: streaming.request_stop(turn.pk))


@transaction.atomic
def stop_answers(person: Person) -> None:
    """Stop every live turn of a person whose consent to the tutor has ended. Text written so far is charged."""
    for turn in list_turns(person).filter(state__in=LIVE_STATES).order_by("pk"):
        stop_turn(turn=turn, end_reason=EndReason.CONSENT_WITHDRAWN)


@transaction.atomic
def rename_conversation(*, conversation: Conversation, title: str) -> None:
    """Rename a conversation. An empty title changes nothing; a title is cut to 80 characters."""
    if title := normalize_line(title)[:MAX_TITLE_LENGTH]:
        conversation.title = title
        conversation.save(update_fields=["title"])


def delete_expired_conversations(*, now: datetime | None = None) -> int:
    """Delete the conversations whose last question is past its retention, one transaction each.

    Returns how many were deleted.
    """
    before = (now or timezone.now()) - CONVERSATION_RETENTION
    expired = Conversation.objects.filter(asked_at__lt=before)
    return sum(_delete_if_expired(pk, before) for pk in list(expired.values_list("pk", flat=True)))


@transaction.atomic
def _delete_if_expired(conversation_id: UUID, before: datetime) -> bool:
    # Check again under the lock: a new question keeps the conversation.
    expired = Conversation.objects.select_for_update().filter(pk=conversation_id, asked_at__lt=before).first()
    if expired:
        delete_conversation(conversation=expired)
    return expired is not None


@transaction.atomic
def delete_conversation(*, conversation: Conversation) -> None:
    """Delete a conversation and its turns for good. The ledger keeps the amounts, without any text.

    A turn that is being written loses its row, which stops its worker; the worker then settles the hold by its key.
    """
    # Lock the conversation before its turns, in the order of asking. This waits for a question that is being stored,
    # which is then deleted as well.
    if not Conversation.objects.select_for_update().filter(pk=conversation.pk).exists():
        return
    # Lock the turns, so that no worker claims one whose hold is released here.
    turns = list(conversation.turns.order_by("pk").select_for_update().only("state", "hold_number"))
    release_holds(keys=[turn.hold_key for turn in turns if turn.state == TurnState.QUEUED])
    turn_ids = [turn.pk for turn in turns]
    delete_excerpts(turn_ids=turn_ids)
    conversation.delete()
    transaction.on_commit(lambda: streaming.delete_streams(*turn_ids))


@transaction.atomic
def end_pause(*, person: Person) -> bool:
    """End the pause after a crisis card at the person's request. Returns False if the pause may not end yet."""
    pause = find_pause(person)
    if pause is None:
        return True
    if not pause.can_end:
        return False
    carded = Turn.objects.filter(conversation__owner=person, state=TurnState.CARDED, resumed_at=None)
    carded.update(resumed_at=timezone.now())
    return True


@transaction.atomic
def answer_check_in(*, turn: Turn, is_yes: bool) -> None:
    """Store the answer to a check-in. A yes shows the crisis card of a person who said it themselves.

    Any other answer ends the pause. Does nothing if the check-in was answered before.
    """
    unanswered = Turn.objects.filter(pk=turn.pk, state=TurnState.PAUSED, resumed_at=None)
    verdict = get_verdict(turn)
    level = Level.UNSAFE_HOME if is_about_safety(verdict.categories) else Level.STATED
    if not is_yes:
        unanswered.update(resumed_at=timezone.now())
    elif unanswered.update(state=TurnState.CARDED, level=str(level), layer=CHECK_IN_LAYER):
        person = turn.conversation.owner
        record_crisis(turn, replace(verdict, level=level), person=person, state=TurnState.CARDED)
        transaction.on_commit(lambda: outcomes.record_end(state=TurnState.CARDED))
