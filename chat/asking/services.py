"""What a person does in the tutor. Keyword-only, one transaction each; side effects wait for the commit."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import Person
from accounts.texts import normalize_line, normalize_text
from budgets.services import hold_release, holds_release
from chat import streaming
from chat.asking.start import Asked, take_question
from chat.connections import lock_key
from chat.errors import (
    IdTaken,
    QuestionEmpty,
)
from chat.models import (
    ASKED,
    LIVE_STATES,
    LONGEST_QUESTION,
    LONGEST_TITLE,
    RETRIED_STATES,
    Conversation,
    Ending,
    State,
    Turn,
)
from chat.selectors import pause_of, turns_of, turns_once, turns_shown
from chat.turns import outcomes
from chat.turns.outages import end_deferred, outcome_without_answer
from chat.turns.retries import can_continue, continuation_of, lock_with_retried, settle_retry, standing_turn
from chat.turns.verdicts import Personal, verdict_for, verdict_of, without_personal
from guard import Level
from safeguarding.cards import is_about_safety
from telemetry.context import note

# Counted from the last question: half a year, so that what was asked in autumn can be read again in spring.
CONVERSATIONS_KEPT_FOR = timedelta(days=180)


def turn_start(
    *,
    person: Person,
    turn_id: UUID,
    question: str,
    conversation: Conversation | None = None,
    retry_of: Turn | None = None,
    continues: Turn | None = None,
    personal: str = "",
    when_back: bool = False,
) -> Turn:
    """Take a question: judge it, hold what its answer may cost, and send it to be answered.

    `turn_id` is made by the asker's page or program, so posting the same words twice returns the same turn; the
    second time it is not `is_new`. A question in a crisis becomes a help card at once, whatever the budget says and
    whatever else is out of order; it costs nothing, as do the other fixed words of chat.turns.verdicts.
    Without `conversation` a new one begins. `personal` is what is to be done with a name or an address in it
    (chat.turns.verdicts.Personal). `continues` is the turn whose unfinished answer it goes on with (see continue_turn).
    With `when_back` the question waits while the model is down (chat.turns.outages); when it is not, that makes no
    difference.

    Raises NotTaken (see chat.errors), BudgetShort or SiteStopped (see budgets.errors). Of a teen for whom consent is
    missing nothing is stored, not even a cry for help: FamilyClosed is raised, and the caller shows the card.
    """
    note(turn=turn_id)
    question = cleaned(question)
    if not question:
        raise QuestionEmpty
    past = list(_past_of(conversation, retry_of))
    # Judged before the transaction: the models take longer than any row should stay locked.
    verdict = verdict_for(question, past)
    with transaction.atomic():
        # Two posts of one id come one after the other, and the second finds the turn of the first.
        lock_key(turn_id)
        if known := Turn.objects.select_related("conversation__owner").filter(pk=turn_id).first():
            return _same_turn(person, known, question, conversation)
        asked = Asked(
            person, turn_id, question, past, verdict, conversation, retry_of, continues, personal, when_back
        )
        return take_question(asked)


def turn_start_from_page(*, person: Person, turn_id: UUID, question: str, **how: Any) -> Turn:
    """Take a question of a page, whose id may be an old one: after Back a form has the id of the turn it once asked.

    The same id with other words is another question. Its new id follows from both, so that posting it twice asks once.
    Takes and raises what `turn_start` does, without IdTaken.
    """
    try:
        return turn_start(person=person, turn_id=turn_id, question=question, **how)
    except IdTaken:
        return turn_start(
            person=person, turn_id=new_id_for(person, turn_id, question), question=question, **how
        )


def new_id_for(person: Person, turn_id: UUID, question: str) -> UUID:
    """The id under which other words are asked than those that `turn_id` stands for."""
    return uuid5(turn_id, f"{person.pk}\n{cleaned(question)}")


def cleaned(question: str) -> str:
    """The question as it is judged, counted and stored."""
    return normalize_text(question).strip()


def _past_of(conversation: Conversation | None, retry_of: Turn | None) -> QuerySet[Turn]:
    past = turns_once(turns_shown(conversation)) if conversation else Turn.objects.none()
    # A retried question is judged once: its first copy would count a second time against its writer.
    return past.exclude(pk=retry_of.pk) if retry_of else past


def _same_turn(person: Person, known: Turn, question: str, conversation: Conversation | None) -> Turn:
    """The turn that an id stands for, where it is the person's own and asks the same in the same place.

    Raises IdTaken.
    """
    is_own = known.conversation.owner_id == person.pk and turns_of(person).filter(pk=known.pk).exists()
    same_place = conversation is None or known.conversation_id == conversation.pk
    if is_own and same_place and known.question in {question[:LONGEST_QUESTION], without_personal(question)}:
        return known
    raise IdTaken(is_own=is_own)


def turn_retry(*, person: Person, failed: Turn, turn_id: UUID, when_back: bool = False) -> Turn:
    """Ask the question of a failed or stopped turn again. It stays until the retry has ended better.

    Retrying twice at once tries once. Where the turn is being retried or was replaced, that other turn is returned. A
    turn in any other state is returned as it is: a card must not make room for an answer. Raises what turn_start
    raises.
    """
    standing = standing_turn(failed)
    if standing != failed or failed.state not in RETRIED_STATES:
        return standing
    return turn_start(
        person=person,
        turn_id=turn_id,
        question=failed.question,
        conversation=failed.conversation,
        retry_of=failed,
        continues=failed.continues,
        # What is personal in it was agreed to when it was first sent.
        personal=Personal.KEEP,
        when_back=when_back,
    )


def continue_turn(*, person: Person, turn: Turn, turn_id: UUID) -> Turn:
    """Ask for the rest of an unfinished answer, as a new turn that passes the same gate as any question.

    Asking twice asks once. A turn with nothing to go on with is returned as it is. Raises what turn_start raises.
    """
    following = continuation_of(turn)
    if following or not can_continue(turn):
        return following or turn
    following = turn_start(
        person=person,
        turn_id=turn_id,
        question=gettext("Go on."),
        conversation=turn.conversation,
        continues=turn,
    )
    if following.continues_id != turn.pk:
        # The id is that of a turn which goes on with another answer.
        raise IdTaken(is_own=True)
    return following


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
