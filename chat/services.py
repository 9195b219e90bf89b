"""What a person does in the tutor. Keyword-only, one transaction each; side effects wait for the commit."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import Person
from budgets.errors import KeyTaken
from budgets.selectors import plan_of
from budgets.services import hold_make, hold_release, holds_release
from chat import measures, nudge, stream
from chat.acts import FIRST, FIXED, NAMING, lessons_for
from chat.connections import lock_key
from chat.continuing import can_continue, continuation_of, continued_by
from chat.errors import (
    ConversationGone,
    FamilyClosed,
    IdTaken,
    ModelNotInPlan,
    QuestionEmpty,
    QuestionTooLong,
    StillAnswering,
    TutorClosed,
    TutorPaused,
)
from chat.grounding import passages_again, passages_for
from chat.judging import verdict_for
from chat.leaving import Personal, cleared, without_personal
from chat.models import (
    LIVE_STATES,
    LONGEST_NAME,
    LONGEST_QUESTION,
    LONGEST_TITLE,
    RETRIED_STATES,
    Conversation,
    Ending,
    State,
    Turn,
)
from chat.prompt import BRIEFLY_TOKENS, LEAST_ANSWER_TOKENS, answer_room, for_turn, prompt_for
from chat.retries import lock_with_retried, settle_retry, standing_turn
from chat.selectors import pause_of, turns_of, turns_once, turns_shown
from chat.sittings import sitting_of
from chat.titles import plain_title, title_from
from families.gate import Closed, Gate, gate_of
from guard import Action, Verdict, action_for
from inference.prices import price
from safeguarding.review import chat_is_open
from telemetry.context import note

# The ledger's own safety net. A turn lives for minutes at most, so a hold this old has lost its turn.
HOLD_LEASE = timedelta(minutes=20)
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
) -> Turn:
    """Take a question: judge it, hold what its answer may cost, and send it to be answered.

    `turn_id` is made by the asker's page or program, so posting the same words twice returns the same turn; the
    second time it is not `is_new`. A question in a crisis becomes a help card at once, whatever the budget says and
    whatever else is out of order; it costs nothing, as do the other fixed words of chat.acts. Without `conversation`
    a new one begins. `personal` is what is to be done with a name or an address in it (chat.leaving.Personal).
    `continues` is the turn whose unfinished answer it goes on with (see continue_turn).

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
        asked = Asked(person, turn_id, question, past, verdict, conversation, retry_of, continues, personal)
        return _turn_take(asked)


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
    """The question as it is judged and stored. PostgreSQL takes no NUL, and a cry for help must not fail for one."""
    return question.replace("\0", " ").strip()


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


@dataclass(frozen=True)
class Asked:
    """A question on its way to become a turn."""

    person: Person
    turn_id: UUID
    question: str
    past: list[Turn]
    verdict: Verdict
    conversation: Conversation | None
    retry_of: Turn | None
    continues: Turn | None
    personal: str


def _turn_take(asked: Asked) -> Turn:
    person, verdict = asked.person, asked.verdict
    action = action_for(verdict)
    # It locks the row, so that a conversation is neither deleted nor asked in twice meanwhile.
    if asked.conversation and not conversation_touch(asked.conversation):
        raise ConversationGone
    if known := _asked_meanwhile(asked):
        return known
    gate = _gate_for(asked, action)
    question = asked.question if action in FIXED else cleared(asked.question, verdict, asked.personal)
    # A crisis message is never a title: others may glance at the list.
    title = title_from(question) if action in NAMING else plain_title()
    conversation = asked.conversation or Conversation.objects.create(owner=person, title=title)
    sitting = sitting_of(person, timezone.now(), waits=action in FIXED)
    turn = Turn(
        pk=asked.turn_id,
        conversation=conversation,
        sitting_since=sitting.since,
        reminds=sitting.reminds,
        question=question[:LONGEST_QUESTION],
        retry_of=asked.retry_of,
        continues=asked.continues,
        level=str(verdict.level),
        layer=verdict.layer[:LONGEST_NAME],
        categories=sorted(verdict.categories),
    )
    if action in FIXED:
        turn.state, turn.ended_at = FIXED[action], timezone.now()
        turn.passages = lessons_for(action, verdict)
    else:
        _ground_and_hold(person, turn, gate, asked.past)
    turn.save(force_insert=True)
    turn.is_new = True
    if asked.retry_of:
        settle_retry(turn.pk)
    if turn.is_live:
        transaction.on_commit(lambda: nudge.send(turn.pk))
    else:
        transaction.on_commit(lambda: measures.turn_ended(state=State(turn.state)))
    return turn


def _asked_meanwhile(asked: Asked) -> Turn | None:
    """The turn of another Retry or Go on for the same turn, which was quicker."""
    if asked.retry_of:
        standing = standing_turn(asked.retry_of)
        return standing if standing != asked.retry_of else None
    return continuation_of(asked.continues) if asked.continues else None


def _gate_for(asked: Asked, action: Action) -> Gate:
    """What the asker's family allows. Raises NotTaken where the question is not to be answered now."""
    if action in FIRST:
        gate = gate_of(asked.person)
        if gate.closed == Closed.CONSENT:
            raise FamilyClosed(gate)
        return gate
    if len(asked.question) > LONGEST_QUESTION:
        raise QuestionTooLong
    return _require_free(asked.person, asked.conversation)


def _require_free(person: Person, conversation: Conversation | None) -> Gate:
    if not chat_is_open():
        raise TutorClosed
    gate = gate_of(person)
    if gate.closed:
        raise FamilyClosed(gate)
    pause = pause_of(person)
    if pause:
        raise TutorPaused(pause.until)
    live = conversation.turns.filter(state__in=LIVE_STATES).first() if conversation else None
    if live:
        raise StillAnswering(live)
    return gate


def conversation_touch(conversation: Conversation) -> bool:
    """Note that a question is asked in it now. False when it has been deleted."""
    now = timezone.now()
    conversation.asked_at = now
    return bool(Conversation.objects.filter(pk=conversation.pk).update(asked_at=now))


def _ground_and_hold(person: Person, turn: Turn, gate: Gate, past: list[Turn]) -> None:
    plan = plan_of(person)
    if not plan.allows(settings.TUTOR_MODEL):
        raise ModelNotInPlan
    turn.memory_tokens = plan.memory_tokens if gate.terms.memory else 0
    continued = continued_by([turn])[turn.pk]
    if continued:
        passages = passages_again(continued[-1], language=turn.language)
    else:
        passages = passages_for(turn.question, past=past, language=turn.language)
    turn.passages = [passage.key for passage in passages]
    prompt = prompt_for(
        turn.question,
        past=past if turn.memory_tokens else [],
        memory_tokens=turn.memory_tokens,
        passages=passages,
        language=turn.language,
        continued=continued,
    )
    prompt = for_turn(prompt, turn)
    longest = answer_room(prompt, longest=plan.answer_tokens)
    now = timezone.now()
    try:
        hold = hold_make(
            owner=person,
            key=turn.pk,
            prompt_tokens=prompt.tokens_at_most,
            prompt_microdollars=price(prompt_tokens=prompt.tokens_at_most, answer_tokens=0),
            answer_tokens=longest,
            answer_microdollars=price(prompt_tokens=0, answer_tokens=longest),
            # Telling the model to be brief takes tokens too.
            least_answer_tokens=min(LEAST_ANSWER_TOKENS + BRIEFLY_TOKENS, longest),
            lease=HOLD_LEASE,
            now=now,
        )
    except KeyTaken as fault:
        raise IdTaken(is_own=False) from fault
    if hold.created_at != now:
        # The hold of a turn that was deleted. It is paid or returned once, so a second answer would be for nothing.
        raise IdTaken(is_own=False)
    # Known from now on, so that a worker which dies in the middle leaves behind what its prompt cost.
    turn.prompt_tokens = prompt.tokens_likely
    turn.answer_cap = hold.answer_tokens
    if hold.shortened_by:
        turn.is_brief, turn.answer_cap = True, max(1, hold.answer_tokens - BRIEFLY_TOKENS)
        turn.brief_floor, turn.refills_at = hold.shortened_by.floor, hold.shortened_by.refills_at


def turn_retry(*, person: Person, failed: Turn, turn_id: UUID) -> Turn:
    """Ask the question of a failed or stopped turn again. It stays until the retry has ended better (chat.retries).

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
def turn_stop(*, turn: Turn) -> None:
    """Stop a turn and the model with it. One that no worker has claimed ends here and costs nothing.

    Stopping a turn that has ended does nothing.
    """
    now = timezone.now()
    if turn.retry_of_id:
        lock_with_retried(turn.pk)
    waiting = Turn.objects.filter(pk=turn.pk, state=State.QUEUED)
    if waiting.update(
        state=State.STOPPED, ending=Ending.ASKED, ended_at=now, stop_asked_at=now, prompt_tokens=0
    ):
        hold_release(key=turn.pk)
        if turn.retry_of_id:
            settle_retry(turn.pk)
        transaction.on_commit(lambda: measures.turn_ended(state=State.STOPPED, ending=Ending.ASKED))
        transaction.on_commit(lambda: stream.end(turn.pk))
        return
    if Turn.objects.filter(pk=turn.pk, state=State.WORKING).update(stop_asked_at=now):
        # The row is enough for the worker's next checkpoint; the flag in Valkey stops it at its next word.
        transaction.on_commit(lambda: stream.ask_stop(turn.pk))


@transaction.atomic
def conversation_rename(*, conversation: Conversation, title: str) -> None:
    """Name a conversation; an empty name keeps the one it has. Longer names are cut to 80 characters."""
    if title := " ".join(title.replace("\0", " ").split())[:LONGEST_TITLE]:
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
    turns = dict(conversation.turns.order_by("pk").select_for_update().values_list("pk", "state"))
    holds_release(keys=[turn_id for turn_id, state in turns.items() if state == State.QUEUED])
    conversation.delete()
    transaction.on_commit(lambda: stream.forget(*turns))
