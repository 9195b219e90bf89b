"""x"""

from typing import Any
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from accounts.models import Person
from accounts.texts import normalize_text
from chat.asking.start import Asked, take_question
from chat.connections import lock_key
from chat.errors import (
    IdTaken,
    QuestionEmpty,
)
from chat.models import (
    LONGEST_QUESTION,
    RETRIED_STATES,
    Conversation,
    Turn,
)
from chat.selectors import turns_of, turns_once, turns_shown
from chat.turns.retries import can_continue, continuation_of, standing_turn
from chat.turns.verdicts import Personal, verdict_for, without_personal
from telemetry.context import note


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
