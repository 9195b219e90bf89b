"""What a person does with turns and conversations, apart from asking: stop, answer a pause, rename, delete."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from budgets.services import hold_release, holds_release
from chat import streaming
from chat.models import (
    ASKED,
    LIVE_STATES,
    LONGEST_TITLE,
    Conversation,
    Ending,
    State,
    Turn,
)
from chat.selectors import pause_of, turns_of
from chat.turns import outcomes
from chat.turns.outages import end_deferred, outcome_without_answer
from chat.turns.retries import lock_with_retried, settle_retry
from chat.turns.verdicts import verdict_of
from guard import Level
from kit.texts import normalize_line
from safeguarding.cards import is_about_safety

# Counted from the last question: half a year, so that what was asked in autumn can be read again in spring.
CONVERSATIONS_KEPT_FOR = timedelta(days=180)


@transaction.atomic
def turn_stop(*, turn: Turn, ending: Ending = Ending.ASKED) -> None:
    """Stop a turn and the model with it. One that no worker has claimed, or that waits, ends here and costs nothing.

    Stopping a turn that has ended does nothing. `ending` says why: its asker wanted it, or the consent has ended.
    """
    now = timezone.now()
    if end_deferred(turn, outcome_without_answer(Ending.TAKEN_BACK, State.STOPPED)):
        return
    if turn.retry_of_id:
        lock_with_retried(turn.pk)
    waiting = Turn.objects.filter(pk=turn.pk, state=State.QUEUED)
    if waiting.update(state=State.STOPPED, ending=ending, ended_at=now, stop_asked_at=now, prompt_tokens=0):
        hold_release(key=Turn.objects.get(pk=turn.pk).hold_key)
        if turn.retry_of_id:
            settle_retry(turn.pk)
        transaction.on_commit(lambda: outcomes.turn_ended(state=State.STOPPED, ending=ending))
        transaction.on_commit(lambda: streaming.end(turn.pk))
        return
    # Why it is stopped waits in the row for the worker that ends it (chat.answering.leases).
    why = {"ending": ending} if ending != Ending.ASKED else {}
    if Turn.objects.filter(pk=turn.pk, state=State.WORKING).update(stop_asked_at=now, **why):
        # The row is enough for the worker's next checkpoint; the flag in Valkey stops it at its next word.
        transaction.on_commit(lambda: streaming.ask_stop(turn.pk))


@transaction.atomic
def end_answers_of(person: Person) -> None:
    """Stop every turn of a person whose consent to the tutor has ended. What was written until then is charged."""
    for turn in turns_of(person).filter(state__in=LIVE_STATES).order_by("pk"):
        turn_stop(turn=turn, ending=Ending.CONSENT)


@transaction.atomic
def conversation_rename(*, conversation: Conversation, title: str) -> None:
    """Name a conversation; an empty name keeps the one it has. Longer names are cut to 80 characters."""
    if title := normalize_line(title)[:LONGEST_TITLE]:
        conversation.title = title
        conversation.save(update_fields=["title"])


def conversations_forget(*, now: datetime | None = None) -> int:
    """Delete the conversations in which nobody has asked anything for so long, one transaction each.

    Returns how many there were.
    """
    before = (now or timezone.now()) - CONVERSATIONS_KEPT_FOR
    quiet = Conversation.objects.filter(asked_at__lt=before)
    return sum(_forget(pk, before) for pk in list(quiet.values_list("pk", flat=True)))


@transaction.atomic
def _forget(conversation_id: UUID, before: datetime) -> bool:
    # Somebody may go on with it at this moment: then it stays.
    quiet = Conversation.objects.select_for_update().filter(pk=conversation_id, asked_at__lt=before).first()
    if quiet:
        conversation_delete(conversation=quiet)
    return quiet is not None


@transaction.atomic
def conversation_delete(*, conversation: Conversation) -> None:
    """Delete a conversation and every turn in it, for good. The ledger keeps what was spent, without a word of it.

    A turn that is being written loses its row, which stops its worker; the worker settles the hold by its key.
    """
    # The conversation first, in the order of asking: a question that is being taken is waited for and goes as well.
    if not Conversation.objects.select_for_update().filter(pk=conversation.pk).exists():
        return
    # Locked, so that no worker begins one whose hold is returned here: its answer would be for nothing.
    turns = list(conversation.turns.order_by("pk").select_for_update().only("state", "returns"))
    holds_release(keys=[turn.hold_key for turn in turns if turn.state == State.QUEUED])
    turn_ids = [turn.pk for turn in turns]
    conversation.delete()
    transaction.on_commit(lambda: streaming.forget(*turn_ids))


@transaction.atomic
def pause_end(*, person: Person) -> bool:
    """Go on after a help card, by the person's own word. False while the pause's set time has not passed."""
    pause = pause_of(person)
    if pause is None:
        return True
    if not pause.may_end:
        return False
    carded = Turn.objects.filter(conversation__owner=person, state=State.CARDED, went_on_at=None)
    carded.update(went_on_at=timezone.now())
    return True


@transaction.atomic
def question_answer(*, turn: Turn, is_yes: bool) -> None:
    """The person's own answer to what a paused turn asks. A yes brings the card of somebody who said it themselves.

    Any other answer ends the pause. What was answered before stays.
    """
    asked = Turn.objects.filter(pk=turn.pk, state=State.PAUSED, went_on_at=None)
    level = Level.UNSAFE_HOME if is_about_safety(verdict_of(turn).categories) else Level.STATED
    if not is_yes:
        asked.update(went_on_at=timezone.now())
    elif asked.update(state=State.CARDED, level=str(level), layer=ASKED):
        transaction.on_commit(lambda: outcomes.turn_ended(state=State.CARDED))
