"""From a question to a turn: it is judged, checked, grounded, given its hold, and stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import Person
from budgets.errors import BudgetShort, KeyTaken
from budgets.selectors import plan_of
from budgets.services import hold_make
from chat.errors import (
    ConversationGone,
    FamilyClosed,
    IdTaken,
    ModelNotInPlan,
    PersonalFound,
    QuestionEmpty,
    QuestionTooLong,
    StillAnswering,
    TooLongForBudget,
    TutorClosed,
    TutorPaused,
)
from chat.models import (
    LIVE_STATES,
    LONGEST_NAME,
    LONGEST_QUESTION,
    RETRIED_STATES,
    Conversation,
    State,
    Turn,
)
from chat.prompt import (
    BRIEFLY_TOKENS,
    LEAST_ANSWER_TOKENS,
    answer_room,
    for_turn,
    passages_again,
    passages_for,
    prompt_for,
)
from chat.selectors import pause_of, turns_of, turns_once, turns_shown
from chat.turns import outcomes, queue
from chat.turns.outages import defer, model_outage
from chat.turns.retries import can_continue, continuation_chain, continuation_of, settle_retry, standing_turn
from chat.turns.verdicts import (
    FIRST,
    FIXED,
    NAMING,
    Personal,
    cleared,
    lessons_for,
    plain_title,
    title_from,
    verdict_for,
    without_personal,
)
from courses.retrieval.search import Found
from families.closing import lock_consent
from families.gate import Gate, gate_of
from guard import Action, Verdict, action_for
from inference.prices import price
from inference.tokens import tokens_at_most
from kit.connections import lock_key
from kit.languages import page_language
from kit.texts import normalize_text
from kit.throttles import Throttle, TooOften
from safeguarding.review import chat_is_open
from telemetry.context import note

questions = Throttle("questions", "12/minute;200/hour")
# The ledger's own safety net. A turn lives for minutes at most, so a hold this old has lost its turn.
HOLD_LEASE = timedelta(minutes=20)
# A few sentences. Where a budget has room for these, it is the question that is too long for it.
SHORT_QUESTION_TOKENS = 150


class Taken(NamedTuple):
    """The turn that a question has, and whether this call made it."""

    turn: Turn
    is_new: bool


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What is known of a question without a lock."""

    verdict: Verdict
    action: Action
    # As it goes to the model: without what its writer wants left out.
    question: str
    # Its writer has to say first what is to be done with these details.
    asks_about: PersonalFound | None = None
    passages: Sequence[Found] = ()
    # The turns whose answer it goes on with, oldest first.
    continued: Sequence[Turn] = ()


def read_question(
    question: str, past: Sequence[Turn], *, personal: str = "", continues: Turn | None = None
) -> Reading:
    """Judge a question and find the lessons that its answer is to draw on. Writes nothing."""
    verdict = verdict_for(question, past)
    action = action_for(verdict)
    if action in FIXED or len(question) > LONGEST_QUESTION:
        return Reading(verdict=verdict, action=action, question=question)
    try:
        question = cleared(question, verdict, personal)
    except PersonalFound as found:
        return Reading(verdict=verdict, action=action, question=question, asks_about=found)
    continued = continuation_chain(continues)
    passages = find_passages(question, past, continued)
    return Reading(verdict=verdict, action=action, question=question, passages=passages, continued=continued)


def find_passages(
    question: str, past: Sequence[Turn], continued: Sequence[Turn], *, language: str | None = None
) -> list[Found]:
    """The passages that a question is answered from; a continuation has those of the answer that it goes on with."""
    if continued:
        return passages_again(continued[-1], language=language or page_language())
    return passages_for(question, past=past, language=language)


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
) -> Taken:
    """Take a question: judge it, hold what its answer may cost, and send it to be answered.

    `turn_id` is made by the asker's page or program, so posting the same words twice returns the same turn, the
    second time not as a new one. A question in a crisis becomes a help card at once, whatever the budget says and
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
    # Before the transaction: the networks and the search take longer than any row should stay locked.
    reading = read_question(question, past, personal=personal, continues=continues)
    with transaction.atomic():
        # Two posts of one id come one after the other, and the second finds the turn of the first.
        lock_key(turn_id)
        if known := Turn.objects.select_related("conversation__owner").filter(pk=turn_id).first():
            return Taken(_same_turn(person, known, question, conversation), is_new=False)
        asked = Asked(person, turn_id, question, past, reading, conversation, retry_of, continues, when_back)
        return _take(asked)


def turn_start_from_page(*, person: Person, turn_id: UUID, question: str, **how: Any) -> Taken:
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


def turn_retry(*, person: Person, failed: Turn, turn_id: UUID, when_back: bool = False) -> Taken:
    """Ask the question of a failed or stopped turn again. It stays until the retry has ended better.

    Retrying twice at once tries once. Where the turn is being retried or was replaced, that other turn is returned. A
    turn in any other state is returned as it is: a card must not make room for an answer. Raises what turn_start
    raises.
    """
    standing = standing_turn(failed)
    if standing != failed or failed.state not in RETRIED_STATES:
        return Taken(standing, is_new=False)
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


def continue_turn(*, person: Person, turn: Turn, turn_id: UUID) -> Taken:
    """Ask for the rest of an unfinished answer, as a new turn that passes the same gate as any question.

    Asking twice asks once. A turn with nothing to go on with is returned as it is. Raises what turn_start raises.
    """
    following = continuation_of(turn)
    if following or not can_continue(turn):
        return Taken(following or turn, is_new=False)
    taken = turn_start(
        person=person,
        turn_id=turn_id,
        question=gettext("Go on."),
        conversation=turn.conversation,
        continues=turn,
    )
    if taken.turn.continues_id != turn.pk:
        # The id is that of a turn which goes on with another answer.
        raise IdTaken(is_own=True)
    return taken


@dataclass(frozen=True)
class Asked:
    """A question on its way to become a turn."""

    person: Person
    turn_id: UUID
    question: str
    past: list[Turn]
    reading: Reading
    conversation: Conversation | None
    retry_of: Turn | None
    continues: Turn | None
    when_back: bool


def _take(asked: Asked) -> Taken:
    """Make the question a turn, in the transaction of the caller: with its hold, or at once with fixed words."""
    person, reading = asked.person, asked.reading
    verdict, action = reading.verdict, reading.action
    # It locks the row, so that a conversation is neither deleted nor asked in twice meanwhile.
    if asked.conversation and not _touch_conversation(asked.conversation):
        raise ConversationGone
    if known := _asked_meanwhile(asked):
        return Taken(known, is_new=False)
    gate = _gate_for(asked, action)
    if reading.asks_about:
        raise reading.asks_about
    # A crisis message is never a title: others may glance at the list.
    title = title_from(reading.question) if action in NAMING else plain_title()
    conversation = asked.conversation or Conversation.objects.create(owner=person, title=title)
    sitting = sitting_of(person, timezone.now(), waits=action in FIXED)
    turn = Turn(
        pk=asked.turn_id,
        conversation=conversation,
        sitting_since=sitting.since,
        reminds=sitting.reminds,
        question=reading.question[:LONGEST_QUESTION],
        retry_of=asked.retry_of,
        continues=asked.continues,
        level=str(verdict.level),
        layer=verdict.layer[:LONGEST_NAME],
        categories=sorted(verdict.categories),
    )
    if action in FIXED:
        turn.state, turn.ended_at = FIXED[action], timezone.now()
        turn.passages = lessons_for(action, verdict)
    elif asked.when_back and model_outage():
        _check_and_defer(asked, turn, gate)
    else:
        hold_for(turn, asked.past, reading.passages, reading.continued, person=person, gate=gate)
    turn.save(force_insert=True)
    if asked.retry_of:
        settle_retry(turn.pk)
    if turn.state == State.DEFERRED:
        transaction.on_commit(queue.send_watch)
    elif turn.is_live:
        transaction.on_commit(lambda: queue.send(turn.pk))
    else:
        transaction.on_commit(lambda: outcomes.turn_ended(state=State(turn.state)))
    return Taken(turn, is_new=True)


def _asked_meanwhile(asked: Asked) -> Turn | None:
    """The turn of another Retry or Go on for the same turn, which was quicker."""
    if asked.retry_of:
        standing = standing_turn(asked.retry_of)
        return standing if standing != asked.retry_of else None
    return continuation_of(asked.continues) if asked.continues else None


def _gate_for(asked: Asked, action: Action) -> Gate:
    """What the asker's family allows. Raises NotTaken where the question is not to be answered now."""
    lock_consent(person=asked.person)
    if action in FIRST:
        gate = gate_of(asked.person)
        if not gate.has_consent:
            raise FamilyClosed(gate)
        return gate
    if len(asked.question) > LONGEST_QUESTION:
        raise QuestionTooLong(length=len(asked.question), limit=LONGEST_QUESTION)
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


def _touch_conversation(conversation: Conversation) -> bool:
    """Note that a question is asked in it now. False when it has been deleted."""
    now = timezone.now()
    conversation.asked_at = now
    return bool(Conversation.objects.filter(pk=conversation.pk).update(asked_at=now))


def _check_and_defer(asked: Asked, turn: Turn, gate: Gate) -> None:
    """Let the question wait for the model, if it could be answered now. Nothing stays held while it waits."""
    with transaction.atomic():
        reading = asked.reading
        hold_for(turn, asked.past, reading.passages, reading.continued, person=asked.person, gate=gate)
        transaction.set_rollback(True)
    defer(turn, asked.person)


def hold_for(
    turn: Turn,
    past: Sequence[Turn],
    passages: Sequence[Found],
    continued: Sequence[Turn],
    *,
    person: Person,
    gate: Gate,
) -> None:
    """Hold what the answer may cost, in the transaction of the caller, and note it in the turn, which is not saved.

    Raises ModelNotInPlan, QuestionTooLong, BudgetShort, SiteStopped or IdTaken.
    """
    plan = plan_of(person)
    if not plan.allows(settings.TUTOR_MODEL):
        raise ModelNotInPlan
    turn.memory_tokens = plan.memory_tokens if gate.terms.memory else 0
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
            key=turn.hold_key,
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
    except BudgetShort as short:
        if short.of == "tokens" and short.short_by <= tokens_at_most(turn.question) - SHORT_QUESTION_TOKENS:
            raise TooLongForBudget.of_refusal(short) from short
        raise
    if hold.created_at != now:
        # The hold of a turn that was deleted. It is paid or returned once, so a second answer would be for nothing.
        raise IdTaken(is_own=False)
    # Known from now on, so that a worker which dies in the middle leaves behind what its prompt cost.
    turn.prompt_tokens = prompt.tokens_likely
    turn.answer_cap = hold.answer_tokens
    turn.is_brief = False
    if hold.shortened_by:
        turn.is_brief, turn.answer_cap = True, max(1, hold.answer_tokens - BRIEFLY_TOKENS)
        turn.brief_floor, turn.refills_at = hold.shortened_by.floor, hold.shortened_by.refills_at


REMINDED_EVERY = timedelta(minutes=60)
BREAK = timedelta(minutes=15)
"""So long without a question is a break, and a new sitting begins after it."""


class Sitting(NamedTuple):
    """When the hour began that is running, and whether it is over with this question."""

    since: datetime
    reminds: bool


def sitting_of(person: Person, now: datetime, *, waits: bool = False) -> Sitting:
    """The sitting that a question asked now belongs to, in whichever conversation the last one was.

    With `waits` nothing is said yet, however long it was: a card or a pause has more important words.
    """
    last = (
        Turn.objects.filter(conversation__owner=person, asked_at__gt=now - BREAK)
        .order_by("-asked_at")
        .values_list("sitting_since", flat=True)
        .first()
    )
    if last is None:
        return Sitting(now, reminds=False)
    is_over = not waits and now - last >= REMINDED_EVERY
    return Sitting(now if is_over else last, reminds=is_over)


def question_count(person: Person, question: str, conversation: Conversation | None = None) -> None:
    """Count one more question, asked in `conversation`.

    Raises TooOften; a person who may be in danger, by this or by all that they wrote there, is never told to slow down.
    """
    try:
        questions.hit(person.pk)
    except TooOften:
        past = turns_shown(conversation) if conversation else ()
        if action_for(verdict_for(question, past)) not in FIRST:
            raise
