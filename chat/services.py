"""What a person does with turns and conversations, apart from asking: stop, answer a pause, rename, delete."""

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
from chat.turns.outages import build_outcome_without_answer, end_deferred
from chat.turns.retries import choose_shown_turn, lock_with_retried
from chat.turns.verdicts import get_verdict
from guard import Level
from kit.texts import normalize_line
from safeguarding.cards import is_about_safety

# Counted from the last question: half a year, so that what was asked in autumn can be read again in spring.
CONVERSATION_RETENTION = timedelta(days=180)


@transaction.atomic
def stop_turn(*, turn: Turn, end_reason: EndReason = EndReason.STOPPED_BY_ASKER) -> None:
    """Stop a turn and the model with it. One that no worker has claimed, or that waits, ends here and costs nothing.

    Stopping a turn that has ended does nothing. `ending` says why: its asker wanted it, or the consent has ended.
    """
    now = timezone.now()
    if end_deferred(turn, build_outcome_without_answer(EndReason.TAKEN_BACK, TurnState.STOPPED)):
        return
    if turn.retry_of_id:
        lock_with_retried(turn.pk)
    waiting = Turn.objects.filter(pk=turn.pk, state=TurnState.QUEUED)
    if waiting.update(
        state=TurnState.STOPPED, end_reason=end_reason, ended_at=now, stop_requested_at=now, prompt_tokens=0
    ):
        release_hold(key=Turn.objects.get(pk=turn.pk).hold_key)
        if turn.retry_of_id:
            choose_shown_turn(turn.pk)
        transaction.on_commit(lambda: outcomes.record_end(state=TurnState.STOPPED, end_reason=end_reason))
        transaction.on_commit(lambda: streaming.end_stream(turn.pk))
        return
    # Why it is stopped waits in the row for the worker that ends it (chat.answering.leases).
    why = {"end_reason": end_reason} if end_reason != EndReason.STOPPED_BY_ASKER else {}
    if Turn.objects.filter(pk=turn.pk, state=TurnState.WORKING).update(stop_requested_at=now, **why):
        # The row is enough for the worker's next checkpoint; the flag in Valkey stops it at its next word.
        transaction.on_commit(lambda: streaming.request_stop(turn.pk))


@transaction.atomic
def stop_answers(person: Person) -> None:
    """Stop every turn of a person whose consent to the tutor has ended. What was written until then is charged."""
    for turn in list_turns(person).filter(state__in=LIVE_STATES).order_by("pk"):
        stop_turn(turn=turn, end_reason=EndReason.CONSENT_WITHDRAWN)


@transaction.atomic
def rename_conversation(*, conversation: Conversation, title: str) -> None:
    """Name a conversation; an empty name keeps the one it has. Longer names are cut to 80 characters."""
    if title := normalize_line(title)[:MAX_TITLE_LENGTH]:
        conversation.title = title
        conversation.save(update_fields=["title"])


def delete_expired_conversations(*, now: datetime | None = None) -> int:
    """Delete the conversations in which nobody has asked anything for so long, one transaction each.

    Returns how many there were.
    """
    before = (now or timezone.now()) - CONVERSATION_RETENTION
    quiet = Conversation.objects.filter(asked_at__lt=before)
    return sum(_delete_if_expired(pk, before) for pk in list(quiet.values_list("pk", flat=True)))


@transaction.atomic
def _delete_if_expired(conversation_id: UUID, before: datetime) -> bool:
    # Somebody may go on with it at this moment: then it stays.
    quiet = Conversation.objects.select_for_update().filter(pk=conversation_id, asked_at__lt=before).first()
    if quiet:
        delete_conversation(conversation=quiet)
    return quiet is not None


@transaction.atomic
def delete_conversation(*, conversation: Conversation) -> None:
    """Delete a conversation and every turn in it, for good. The ledger keeps what was spent, without a word of it.

    A turn that is being written loses its row, which stops its worker; the worker settles the hold by its key.
    """
    # The conversation first, in the order of asking: a question that is being taken is waited for and goes as well.
    if not Conversation.objects.select_for_update().filter(pk=conversation.pk).exists():
        return
    # Locked, so that no worker begins one whose hold is returned here: its answer would be for nothing.
    turns = list(conversation.turns.order_by("pk").select_for_update().only("state", "failed_tries"))
    release_holds(keys=[turn.hold_key for turn in turns if turn.state == TurnState.QUEUED])
    turn_ids = [turn.pk for turn in turns]
    conversation.delete()
    transaction.on_commit(lambda: streaming.delete_streams(*turn_ids))


@transaction.atomic
def end_pause(*, person: Person) -> bool:
    """Go on after a help card, by the person's own word. False while the pause's set time has not passed."""
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
    """The person's own answer to what a paused turn asks. A yes brings the card of somebody who said it themselves.

    Any other answer ends the pause. What was answered before stays.
    """
    asked = Turn.objects.filter(pk=turn.pk, state=TurnState.PAUSED, resumed_at=None)
    level = Level.UNSAFE_HOME if is_about_safety(get_verdict(turn).categories) else Level.STATED
    if not is_yes:
        asked.update(resumed_at=timezone.now())
    elif asked.update(state=TurnState.CARDED, level=str(level), layer=CHECK_IN_LAYER):
        transaction.on_commit(lambda: outcomes.record_end(state=TurnState.CARDED))
