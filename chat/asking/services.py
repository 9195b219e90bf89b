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
from budgets.errors import HoldKeyTaken, InsufficientBudget
from budgets.selectors import get_plan
from budgets.services import create_hold
from chat.errors import (
    ConversationGone,
    FamilyClosed,
    ModelNotInPlan,
    PersonalDataFound,
    QuestionEmpty,
    QuestionTooLong,
    StillAnswering,
    TooLongForBudget,
    TurnIdTaken,
    TutorClosed,
    TutorPaused,
)
from chat.models import (
    LIVE_STATES,
    MAX_NAME_LENGTH,
    MAX_QUESTION_LENGTH,
    RETRYABLE_STATES,
    Conversation,
    Turn,
    TurnState,
)
from chat.prompt import (
    BRIEF_INSTRUCTION_TOKENS,
    MIN_ANSWER_TOKENS,
    add_turn_instructions,
    build_prompt,
    find_question_passages,
    get_answer_room,
    get_turn_passages,
)
from chat.selectors import drop_duplicate_questions, find_pause, list_shown_turns, list_turns
from chat.turns import outcomes, queue
from chat.turns.outages import defer_turn, find_outage
from chat.turns.retries import (
    can_continue,
    choose_shown_turn,
    find_continuation,
    get_current_turn,
    list_continued_turns,
)
from chat.turns.verdicts import (
    CRISIS_ACTIONS,
    FIXED_STATES,
    TITLE_ACTIONS,
    PersonalDataChoice,
    build_title,
    get_default_title,
    judge_question,
    list_fixed_passages,
    redact_or_ask,
    redact_personal_data,
)
from courses.retrieval.search import FoundPassage
from families.consent_end import lock_consent
from families.gate import TutorGate, get_tutor_gate
from guard import Action, Verdict, action_for
from inference.prices import calculate_cost
from inference.tokens import estimate_max_tokens
from kit.connections import acquire_key_lock
from kit.languages import get_page_language
from kit.rate_limits import RateLimit, RateLimited
from kit.texts import normalize_text
from safeguarding.review import is_tutor_open
from telemetry.context import bind_log_ids

question_rate_limit = RateLimit("questions", "12/minute;200/hour")
# The ledger's own safety net. A turn lives for minutes at most, so a hold this old has lost its turn.
HOLD_LEASE = timedelta(minutes=20)
# A few sentences. Where a budget has room for these, it is the question that is too long for it.
SHORT_QUESTION_TOKENS = 150


class StartedTurn(NamedTuple):
    """The turn that a question has, and whether this call made it."""

    turn: Turn
    is_new: bool


@dataclass(frozen=True, kw_only=True)
class QuestionAssessment:
    """What is known of a question without a lock."""

    verdict: Verdict
    action: Action
    # As it goes to the model: without what its writer wants left out.
    question: str
    # Its writer has to say first what is to be done with these details.
    asks_about: PersonalDataFound | None = None
    passages: Sequence[FoundPassage] = ()
    # The turns whose answer it goes on with, oldest first.
    continued: Sequence[Turn] = ()


def assess_question(
    question: str, past: Sequence[Turn], *, personal: str = "", continues: Turn | None = None
) -> QuestionAssessment:
    """Judge a question and find the lessons that its answer is to draw on. Writes nothing."""
    verdict = judge_question(question, past)
    action = action_for(verdict)
    if action in FIXED_STATES or len(question) > MAX_QUESTION_LENGTH:
        return QuestionAssessment(verdict=verdict, action=action, question=question)
    try:
        question = redact_or_ask(question, verdict, personal)
    except PersonalDataFound as found:
        return QuestionAssessment(verdict=verdict, action=action, question=question, asks_about=found)
    continued = list_continued_turns(continues)
    passages = find_passages(question, past, continued)
    return QuestionAssessment(
        verdict=verdict, action=action, question=question, passages=passages, continued=continued
    )


def find_passages(
    question: str, past: Sequence[Turn], continued: Sequence[Turn], *, language: str | None = None
) -> list[FoundPassage]:
    """The passages that a question is answered from; a continuation has those of the answer that it goes on with."""
    if continued:
        return get_turn_passages(continued[-1], language=language or get_page_language())
    return find_question_passages(question, past=past, language=language)


def start_turn(
    *,
    person: Person,
    turn_id: UUID,
    question: str,
    conversation: Conversation | None = None,
    retry_of: Turn | None = None,
    continues: Turn | None = None,
    personal: str = "",
    wait_for_model: bool = False,
) -> StartedTurn:
    """Take a question: judge it, hold what its answer may cost, and send it to be answered.

    `turn_id` is made by the asker's page or program, so posting the same words twice returns the same turn, the
    second time not as a new one. A question in a crisis becomes a help card at once, whatever the budget says and
    whatever else is out of order; it costs nothing, as do the other fixed words of chat.turns.verdicts.
    Without `conversation` a new one begins. `personal` is what is to be done with a name or an address in it
    (chat.turns.verdicts.PersonalDataChoice). `continues` is the turn whose unfinished answer this one continues.
    With `wait_for_model` the question waits while the model is down (chat.turns.outages); when it is not, that makes no
    difference.

    Raises NotTaken (see chat.errors), InsufficientBudget or SiteStopped (see budgets.errors). Of a teen for whom
    consent is missing nothing is stored, not even a cry for help: FamilyClosed is raised, and the caller shows the
    card.
    """
    bind_log_ids(turn=turn_id)
    question = normalize_question(question)
    if not question:
        raise QuestionEmpty
    past = list(_list_earlier_turns(conversation, retry_of))
    # Before the transaction: the networks and the search take longer than any row should stay locked.
    reading = assess_question(question, past, personal=personal, continues=continues)
    with transaction.atomic():
        # Two posts of one id come one after the other, and the second finds the turn of the first.
        acquire_key_lock(turn_id)
        if known := Turn.objects.select_related("conversation__owner").filter(pk=turn_id).first():
            return StartedTurn(_require_same_question(person, known, question, conversation), is_new=False)
        asked = NewQuestion(
            person, turn_id, question, past, reading, conversation, retry_of, continues, wait_for_model
        )
        return _store_turn(asked)


def start_turn_from_page(*, person: Person, turn_id: UUID, question: str, **how: Any) -> StartedTurn:
    """Take a question of a page, whose id may be an old one: after Back a form has the id of the turn it once asked.

    The same id with other words is another question. Its new id follows from both, so that posting it twice asks once.
    Takes and raises what `start_turn` does, without IdTaken.
    """
    try:
        return start_turn(person=person, turn_id=turn_id, question=question, **how)
    except TurnIdTaken:
        return start_turn(
            person=person, turn_id=derive_turn_id(person, turn_id, question), question=question, **how
        )


def derive_turn_id(person: Person, turn_id: UUID, question: str) -> UUID:
    """The id under which other words are asked than those that `turn_id` stands for."""
    return uuid5(turn_id, f"{person.pk}\n{normalize_question(question)}")


def normalize_question(question: str) -> str:
    """The question as it is judged, counted and stored."""
    return normalize_text(question).strip()


def _list_earlier_turns(conversation: Conversation | None, retry_of: Turn | None) -> QuerySet[Turn]:
    past = drop_duplicate_questions(list_shown_turns(conversation)) if conversation else Turn.objects.none()
    # A retried question is judged once: its first copy would count a second time against its writer.
    return past.exclude(pk=retry_of.pk) if retry_of else past


def _require_same_question(
    person: Person, known: Turn, question: str, conversation: Conversation | None
) -> Turn:
    """The turn that an id stands for, where it is the person's own and asks the same in the same place.

    Raises IdTaken.
    """
    is_own = known.conversation.owner_id == person.pk and list_turns(person).filter(pk=known.pk).exists()
    same_place = conversation is None or known.conversation_id == conversation.pk
    if (
        is_own
        and same_place
        and known.question in {question[:MAX_QUESTION_LENGTH], redact_personal_data(question)}
    ):
        return known
    raise TurnIdTaken(is_own=is_own)


def retry_turn(*, person: Person, failed: Turn, turn_id: UUID, wait_for_model: bool = False) -> StartedTurn:
    """Ask the question of a failed or stopped turn again. It stays until the retry has ended better.

    Retrying twice at once tries once. Where the turn is being retried or was replaced, that other turn is returned. A
    turn in any other state is returned as it is: a card must not make room for an answer. Raises what turn_start
    raises.
    """
    standing = get_current_turn(failed)
    if standing != failed or failed.state not in RETRYABLE_STATES:
        return StartedTurn(standing, is_new=False)
    return start_turn(
        person=person,
        turn_id=turn_id,
        question=failed.question,
        conversation=failed.conversation,
        retry_of=failed,
        continues=failed.continues,
        # What is personal in it was agreed to when it was first sent.
        personal=PersonalDataChoice.KEEP,
        wait_for_model=wait_for_model,
    )


def continue_turn(*, person: Person, turn: Turn, turn_id: UUID) -> StartedTurn:
    """Ask for the rest of an unfinished answer, as a new turn that passes the same gate as any question.

    Asking twice asks once. A turn with nothing to go on with is returned as it is. Raises what turn_start raises.
    """
    following = find_continuation(turn)
    if following or not can_continue(turn):
        return StartedTurn(following or turn, is_new=False)
    taken = start_turn(
        person=person,
        turn_id=turn_id,
        question=gettext("Go on."),
        conversation=turn.conversation,
        continues=turn,
    )
    if taken.turn.continues_id != turn.pk:
        # The id is that of a turn which goes on with another answer.
        raise TurnIdTaken(is_own=True)
    return taken


@dataclass(frozen=True)
class NewQuestion:
    """A question on its way to become a turn."""

    person: Person
    turn_id: UUID
    question: str
    past: list[Turn]
    reading: QuestionAssessment
    conversation: Conversation | None
    retry_of: Turn | None
    continues: Turn | None
    wait_for_model: bool


def _store_turn(asked: NewQuestion) -> StartedTurn:
    """Make the question a turn, in the transaction of the caller: with its hold, or at once with fixed words."""
    person, reading = asked.person, asked.reading
    verdict, action = reading.verdict, reading.action
    # It locks the row, so that a conversation is neither deleted nor asked in twice meanwhile.
    if asked.conversation and not _touch_conversation(asked.conversation):
        raise ConversationGone
    if known := _find_concurrent_turn(asked):
        return StartedTurn(known, is_new=False)
    gate = _require_allowed(asked, action)
    if reading.asks_about:
        raise reading.asks_about
    # A crisis message is never a title: others may glance at the list.
    title = build_title(reading.question) if action in TITLE_ACTIONS else get_default_title()
    conversation = asked.conversation or Conversation.objects.create(owner=person, title=title)
    sitting = get_break_reminder(person, timezone.now(), waits=action in FIXED_STATES)
    turn = Turn(
        pk=asked.turn_id,
        conversation=conversation,
        asking_since=sitting.since,
        shows_break_reminder=sitting.shows_break_reminder,
        question=reading.question[:MAX_QUESTION_LENGTH],
        retry_of=asked.retry_of,
        continues=asked.continues,
        level=str(verdict.level),
        layer=verdict.layer[:MAX_NAME_LENGTH],
        categories=sorted(verdict.categories),
    )
    if action in FIXED_STATES:
        turn.state, turn.ended_at = FIXED_STATES[action], timezone.now()
        turn.passages = list_fixed_passages(action, verdict)
    elif asked.wait_for_model and find_outage():
        _check_and_defer(asked, turn, gate)
    else:
        create_turn_hold(turn, asked.past, reading.passages, reading.continued, person=person, gate=gate)
    turn.save(force_insert=True)
    if asked.retry_of:
        choose_shown_turn(turn.pk)
    if turn.state == TurnState.DEFERRED:
        transaction.on_commit(queue.nudge_deferred)
    elif turn.is_live:
        transaction.on_commit(lambda: queue.nudge_worker(turn.pk))
    else:
        transaction.on_commit(lambda: outcomes.record_end(state=TurnState(turn.state)))
    return StartedTurn(turn, is_new=True)


def _find_concurrent_turn(asked: NewQuestion) -> Turn | None:
    """The turn of another Retry or Go on for the same turn, which was quicker."""
    if asked.retry_of:
        standing = get_current_turn(asked.retry_of)
        return standing if standing != asked.retry_of else None
    return find_continuation(asked.continues) if asked.continues else None


def _require_allowed(asked: NewQuestion, action: Action) -> TutorGate:
    """What the asker's family allows. Raises NotTaken where the question is not to be answered now."""
    lock_consent(person=asked.person)
    if action in CRISIS_ACTIONS:
        gate = get_tutor_gate(asked.person)
        if not gate.has_consent:
            raise FamilyClosed(gate)
        return gate
    if len(asked.question) > MAX_QUESTION_LENGTH:
        raise QuestionTooLong(length=len(asked.question), limit=MAX_QUESTION_LENGTH)
    return _require_tutor_open(asked.person, asked.conversation)


def _require_tutor_open(person: Person, conversation: Conversation | None) -> TutorGate:
    if not is_tutor_open():
        raise TutorClosed
    gate = get_tutor_gate(person)
    if gate.closed_reason:
        raise FamilyClosed(gate)
    pause = find_pause(person)
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


def _check_and_defer(asked: NewQuestion, turn: Turn, gate: TutorGate) -> None:
    """Let the question wait for the model, if it could be answered now. Nothing stays held while it waits."""
    with transaction.atomic():
        reading = asked.reading
        create_turn_hold(
            turn, asked.past, reading.passages, reading.continued, person=asked.person, gate=gate
        )
        transaction.set_rollback(True)
    defer_turn(turn, asked.person)


def create_turn_hold(
    turn: Turn,
    past: Sequence[Turn],
    passages: Sequence[FoundPassage],
    continued: Sequence[Turn],
    *,
    person: Person,
    gate: TutorGate,
) -> None:
    """Hold what the answer may cost, in the transaction of the caller, and note it in the turn, which is not saved.

    Raises ModelNotInPlan, QuestionTooLong, InsufficientBudget, SiteStopped or IdTaken.
    """
    plan = get_plan(person)
    if not plan.allows(settings.TUTOR_MODEL):
        raise ModelNotInPlan
    turn.memory_tokens = plan.memory_tokens if gate.terms.memory else 0
    turn.passages = [passage.key for passage in passages]
    prompt = build_prompt(
        turn.question,
        past=past if turn.memory_tokens else [],
        memory_tokens=turn.memory_tokens,
        passages=passages,
        language=turn.language,
        continued=continued,
    )
    prompt = add_turn_instructions(prompt, turn)
    longest = get_answer_room(prompt, longest=plan.answer_tokens)
    now = timezone.now()
    try:
        hold = create_hold(
            owner=person,
            key=turn.hold_key,
            prompt_tokens=prompt.tokens_at_most,
            prompt_microdollars=calculate_cost(prompt_tokens=prompt.tokens_at_most, answer_tokens=0),
            answer_tokens=longest,
            answer_microdollars=calculate_cost(prompt_tokens=0, answer_tokens=longest),
            # Telling the model to be brief takes tokens too.
            min_answer_tokens=min(MIN_ANSWER_TOKENS + BRIEF_INSTRUCTION_TOKENS, longest),
            lease=HOLD_LEASE,
            now=now,
        )
    except HoldKeyTaken as fault:
        raise TurnIdTaken(is_own=False) from fault
    except InsufficientBudget as short:
        if (
            short.unit == "tokens"
            and short.short_by <= estimate_max_tokens(turn.question) - SHORT_QUESTION_TOKENS
        ):
            raise TooLongForBudget.of_refusal(short) from short
        raise
    if hold.created_at != now:
        # The hold of a turn that was deleted. It is paid or returned once, so a second answer would be for nothing.
        raise TurnIdTaken(is_own=False)
    # Known from now on, so that a worker which dies in the middle leaves behind what its prompt cost.
    turn.prompt_tokens = prompt.tokens_likely
    turn.max_answer_tokens = hold.answer_tokens
    turn.is_brief = False
    if hold.shortened_by:
        turn.is_brief, turn.max_answer_tokens = True, max(1, hold.answer_tokens - BRIEF_INSTRUCTION_TOKENS)
        turn.brief_scope, turn.refills_at = hold.shortened_by.scope, hold.shortened_by.refills_at


REMINDER_INTERVAL = timedelta(minutes=60)
BREAK_LENGTH = timedelta(minutes=15)
"""So long without a question is a break, and a new sitting begins after it."""


class BreakReminder(NamedTuple):
    """When the hour began that is running, and whether it is over with this question."""

    since: datetime
    shows_break_reminder: bool


def get_break_reminder(person: Person, now: datetime, *, waits: bool = False) -> BreakReminder:
    """The sitting that a question asked now belongs to, in whichever conversation the last one was.

    With `waits` nothing is said yet, however long it was: a card or a pause has more important words.
    """
    last = (
        Turn.objects.filter(conversation__owner=person, asked_at__gt=now - BREAK_LENGTH)
        .order_by("-asked_at")
        .values_list("asking_since", flat=True)
        .first()
    )
    if last is None:
        return BreakReminder(now, shows_break_reminder=False)
    is_over = not waits and now - last >= REMINDER_INTERVAL
    return BreakReminder(now if is_over else last, shows_break_reminder=is_over)


def count_question(person: Person, question: str, conversation: Conversation | None = None) -> None:
    """Count one more question, asked in `conversation`.

    Raises TooOften; a person who may be in danger, by this or by all that they wrote there, is never told to slow down.
    """
    try:
        question_rate_limit.hit(person.pk)
    except RateLimited:
        past = list_shown_turns(conversation) if conversation else ()
        if action_for(judge_question(question, past)) not in CRISIS_ACTIONS:
            raise
