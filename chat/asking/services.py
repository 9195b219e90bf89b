"""Creates a turn from a question: judge it, check it, find its passages, hold its cost, and store it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from django.db import IntegrityError, transaction
from django.db.models import Exists, QuerySet, Subquery
from django.utils import timezone

from accounts.models import Person
from budgets.models import Plan
from budgets.selectors import build_plan_column, find_plan
from chat.asking.about_tutor import answer_about_tutor
from chat.asking.assessment import QuestionAssessment, assess_question, set_method_fields
from chat.errors import (
    ConversationGone,
    FamilyClosed,
    QuestionEmpty,
    QuestionTooLong,
    StillAnswering,
    TurnIdTaken,
    TutorClosed,
    TutorPaused,
)
from chat.method.reading import FollowUp
from chat.model_choice import PromptParts, create_turn_hold, get_exposure, preview_route
from chat.models import (
    LIVE_STATES,
    MAX_NAME_LENGTH,
    MAX_QUESTION_LENGTH,
    Conversation,
    MemoryChoice,
    Turn,
    TurnState,
)
from chat.selectors import (
    Pause,
    build_pause_column,
    drop_duplicate_questions,
    drop_forgotten,
    find_continuation,
    find_pause,
    get_current_turn,
    list_shown_turns,
    list_turns,
    list_turns_since,
)
from chat.turns import outcomes, queue
from chat.turns.crises import record_crisis
from chat.turns.outages import defer_turn
from chat.turns.verdicts import (
    CRISIS_ACTIONS,
    FIXED_STATES,
    TITLE_ACTIONS,
    build_title,
    get_default_title,
    judge_question,
    list_fixed_passages,
    redact_personal_data,
)
from courses.retrieval.search import FoundPassage
from families.consent_end import lock_consent
from families.gate import TutorGate, build_gate_columns, read_tutor_gate
from guard import action_for
from kit.rate_limits import RateLimit, RateLimited
from kit.texts import normalize_text
from safeguarding.review import is_tutor_open
from telemetry.context import bind_log_ids

REMINDER_INTERVAL = timedelta(minutes=60)
# So long between two questions counts as a break.
MIN_BREAK = timedelta(minutes=15)


class StartedTurn(NamedTuple):
    """A question's turn, and whether this call created it."""

    turn: Turn
    is_new: bool


question_rate_limit = RateLimit("questions", "12/minute;200/hour")


def require_question_rate(person: Person, question: str, conversation: Conversation | None = None) -> None:
    """Count a question toward the rate limit. Raises RateLimited, but not for a question in a crisis.

    What was asked in `conversation` is judged with it.
    """
    try:
        question_rate_limit.hit(person.pk)
    except RateLimited:
        earlier_turns = list_shown_turns(conversation) if conversation else ()
        if action_for(judge_question(question, earlier_turns)) not in CRISIS_ACTIONS:
            raise


def start_turn(
    *,
    person: Person,
    turn_id: UUID,
    question: str,
    conversation: Conversation | None = None,
    retry_of: Turn | None = None,
    continues: Turn | None = None,
    reworded: Turn | None = None,
    personal_data_choice: str = "",
    wait_for_model: bool = False,
    local_only: bool = False,
    follow_up: FollowUp = FollowUp.NONE,
    about: Turn | None = None,
    quiz_passages: Sequence[FoundPassage] = (),
) -> StartedTurn:
    """Judge a question, hold what its answer may cost, store it as a turn, and send it to a worker.

    The asker's page or program chooses `turn_id`; posting the same question twice returns the same turn, the second
    time with `is_new` False. A question in a crisis becomes a crisis card at once, whatever the budget, its length, a
    pause, quiet hours, a tutor that is not open, or another answer in progress. It still needs consent (see below).
    Cards and the other fixed texts of chat.turns.verdicts cost nothing.

    Without `conversation` a new one begins. `personal_data_choice` says what to do with personal data in the question
    (chat.turns.verdicts.PersonalDataChoice). `continues` is the turn whose unfinished answer this one continues.
    `reworded` is the conversation's last turn if this question takes its place (chat.selectors.find_reworded_turn):
    the guard still reads both, the model only this one. With `wait_for_model` the question is deferred if no model is
    up (chat.turns.outages). With `local_only` it stays on this site's own machines, as the page has said; an agreement
    of the family has the same effect.

    `follow_up` is asked of the answer of the turn `about` (chat.asking.follow_ups). With `quiz_passages` the question
    asks for a quiz on these passages of a lesson (chat.asking.follow_ups).

    Raises QuestionRejected (chat.errors), InsufficientBudget or SiteStopped (budgets.errors). Of these a question in a
    crisis raises only FamilyClosed, as nothing is stored about a teen without consent, not even a cry for help,
    ConversationGone and TurnIdTaken. The caller shows the card then (safeguarding.crisis).
    """
    bind_log_ids(turn=turn_id)
    question = normalize_question(question)
    if not question:
        raise QuestionEmpty
    earlier_turns = list(_list_earlier_turns(conversation, retry_of))
    for earlier in earlier_turns:
        earlier.is_reworded = earlier.is_reworded or earlier == reworded
    # A continuation sends the answer so far, so it must stay local if that answer had to.
    local_only = local_only or (continues is not None and continues.local_only)
    exposure = get_exposure(person, local_only=local_only)
    # Judge before the transaction: the networks and the search take longer than a row should stay locked.
    assessment = assess_question(
        question,
        earlier_turns,
        remembered=drop_forgotten(earlier_turns, conversation),
        leaves_site=exposure.to_model or exposure.to_guard,
        personal_data_choice=personal_data_choice,
        continues=continues,
        retry_of=retry_of,
        follow_up=follow_up,
        about=about,
        quiz_passages=quiz_passages,
    )
    new = NewQuestion(
        person=person,
        turn_id=turn_id,
        typed_question=question,
        earlier_turns=earlier_turns,
        assessment=assessment,
        conversation=conversation,
        retry_of=retry_of,
        continues=continues,
        reworded=reworded,
        wait_for_model=wait_for_model,
        # It was judged as a local question, so a fallback must not send it outside.
        local_only=not exposure.to_model,
    )
    try:
        with transaction.atomic():
            return _store_turn(new)
    except (IntegrityError, TurnIdTaken):
        # Another request may have stored the same turn, or asked in the same conversation, in the same moment.
        if existing := _find_existing_turn(new):
            return StartedTurn(existing, is_new=False)
        if conversation and (live := _find_live_turn(conversation)):
            raise StillAnswering(live) from None
        raise


def start_turn_from_page(*, person: Person, turn_id: UUID, question: str, **options: Any) -> StartedTurn:
    """Start a turn from a page. After the browser's Back button, its form may send the id of an earlier turn.

    A used id with other text gets a new id derived from both, so posting it twice still creates one turn. Takes the
    arguments of `start_turn` and raises its errors except TurnIdTaken.
    """
    try:
        return start_turn(person=person, turn_id=turn_id, question=question, **options)
    except TurnIdTaken:
        return start_turn(
            person=person, turn_id=derive_turn_id(person, turn_id, question), question=question, **options
        )


def derive_turn_id(person: Person, turn_id: UUID, question: str) -> UUID:
    """Return the id for a question whose `turn_id` already belongs to another question."""
    return uuid5(turn_id, f"{person.pk}\n{normalize_question(question)}")


def normalize_question(question: str) -> str:
    """Return the question as it is judged, counted and stored."""
    return normalize_text(question).strip()


def _list_earlier_turns(conversation: Conversation | None, retry_of: Turn | None) -> QuerySet[Turn]:
    earlier_turns = (
        drop_duplicate_questions(list_shown_turns(conversation)) if conversation else Turn.objects.none()
    )
    # Exclude the retried turn, or its text counts twice.
    return earlier_turns.exclude(pk=retry_of.pk) if retry_of else earlier_turns


def _find_existing_turn(new: "NewQuestion") -> Turn | None:
    """Return the turn that already has the question's id, or None.

    Raises TurnIdTaken unless it is the person's own and asks the same question in the same conversation.
    """
    existing = Turn.objects.select_related("conversation").filter(pk=new.turn_id).first()
    if existing is None:
        return None
    is_own = list_turns(new.person).filter(pk=existing.pk).exists()
    is_same_conversation = new.conversation is None or existing.conversation_id == new.conversation.pk
    question = new.typed_question
    if (
        is_own
        and is_same_conversation
        and existing.question in {question[:MAX_QUESTION_LENGTH], redact_personal_data(question)}
    ):
        return existing
    raise TurnIdTaken(is_own=is_own)


class BreakReminder(NamedTuple):
    """When a person began to ask without a break, and whether a reminder is due."""

    asking_since: datetime
    shows_break_reminder: bool


@dataclass(frozen=True, kw_only=True)
class Asker:
    """A person who asks a question, at the time `now`."""

    person: Person
    now: datetime
    gate: TutorGate
    plan: Plan
    wants_spanning_notes: bool
    # When they began to ask without a break, in any of their conversations; None after a break.
    asking_since: datetime | None
    # Whether a turn with the id of the question exists already.
    has_turn: bool
    may_be_paused: bool

    def find_pause(self) -> Pause | None:
        """Return the pause that holds for them, or None."""
        return find_pause(self.person) if self.may_be_paused else None

    def get_break_reminder(self, *, is_postponed: bool = False) -> BreakReminder:
        """Return the break reminder for the question.

        With `is_postponed` no reminder is due yet: a card or a fixed text comes first.
        """
        if self.asking_since is None:
            return BreakReminder(self.now, shows_break_reminder=False)
        is_due = not is_postponed and self.now - self.asking_since >= REMINDER_INTERVAL
        return BreakReminder(self.now if is_due else self.asking_since, shows_break_reminder=is_due)


def read_asker(person: Person, *, turn_id: UUID) -> Asker:
    """Read what decides about a question with this turn id, in one query. Raises Person.DoesNotExist."""
    now = timezone.now()
    latest = list_turns_since(person, now - MIN_BREAK)
    columns: dict[str, Any] = {
        "plan": build_plan_column(),
        "wants_spanning_notes": Exists(MemoryChoice.objects.filter(owner=person)),
        "asking_since": Subquery(latest.order_by("-asked_at").values("asking_since")[:1]),
        "has_turn": Exists(Turn.objects.filter(pk=turn_id)),
        "paused_at": build_pause_column(person),
    }
    rows: Any = Person.objects.values(**columns, **build_gate_columns(person, now))
    row = rows.get(pk=person.pk)
    return Asker(
        person=person,
        now=now,
        gate=read_tutor_gate(person, row, now),
        plan=find_plan(row["plan"]),
        wants_spanning_notes=row["wants_spanning_notes"],
        asking_since=row["asking_since"],
        has_turn=row["has_turn"],
        may_be_paused=row["paused_at"] is not None,
    )


@dataclass(frozen=True, kw_only=True)
class NewQuestion:
    """A question that is about to become a turn."""

    person: Person
    turn_id: UUID
    # As typed; `assessment.question` is for the model.
    typed_question: str
    earlier_turns: list[Turn]
    assessment: QuestionAssessment
    conversation: Conversation | None
    retry_of: Turn | None
    continues: Turn | None
    reworded: Turn | None
    wait_for_model: bool
    local_only: bool


def _store_turn(new: NewQuestion) -> StartedTurn:
    """Store the question as a turn, with a hold or with a fixed text. Must run in the caller's transaction.

    Raises IntegrityError if its id was used or its conversation got another question in the same moment.
    """
    person, assessment = new.person, new.assessment
    verdict, action = assessment.verdict, assessment.action
    # First: a withdrawal then either ends this turn, or comes before it and the question is rejected.
    lock_consent(person=person)
    asker = read_asker(person, turn_id=new.turn_id)
    if asker.has_turn and (existing := _find_existing_turn(new)):
        return StartedTurn(existing, is_new=False)
    # This locks the conversation's row, so that it is not deleted and no second question is stored meanwhile.
    if new.conversation and not _touch_conversation(new.conversation):
        raise ConversationGone
    if existing := _find_concurrent_turn(new):
        return StartedTurn(existing, is_new=False)
    _require_allowed(new, asker)
    if assessment.personal_data_error:
        raise assessment.personal_data_error
    # Never use a crisis message as a title: other people may see the list.
    title = build_title(assessment.question) if action in TITLE_ACTIONS else get_default_title()
    conversation = new.conversation or Conversation.objects.create(owner=person, title=title)
    reminder = asker.get_break_reminder(is_postponed=action in FIXED_STATES)
    turn = Turn(
        pk=new.turn_id,
        conversation=conversation,
        asking_since=reminder.asking_since,
        shows_break_reminder=reminder.shows_break_reminder,
        question=assessment.question[:MAX_QUESTION_LENGTH],
        retry_of=new.retry_of,
        continues=new.continues,
        level=str(verdict.level),
        layer=verdict.layer[:MAX_NAME_LENGTH],
        categories=sorted(verdict.categories),
        local_only=new.local_only,
    )
    set_method_fields(turn, assessment.method, retry_of=new.retry_of, continues=new.continues)
    _begin_turn(new, turn, asker)
    turn.save(force_insert=True)
    _settle_earlier_turns(new)
    if turn.state == TurnState.DEFERRED:
        transaction.on_commit(queue.nudge_deferred)
    elif turn.is_live:
        transaction.on_commit(lambda: queue.nudge_worker(turn.pk))
    else:
        transaction.on_commit(lambda: outcomes.record_end(state=TurnState(turn.state)))
    return StartedTurn(turn, is_new=True)


def _settle_earlier_turns(new: NewQuestion) -> None:
    """Record on the turns that this question takes the place of that it does."""
    if new.reworded:
        Turn.objects.filter(pk=new.reworded.pk).update(is_reworded=True)
    if new.retry_of:
        outcomes.choose_shown_turn(new.turn_id)


def _begin_turn(new: NewQuestion, turn: Turn, asker: Asker) -> None:
    """Answer the turn with a fixed text, or defer it, or hold what its answer may cost."""
    assessment, verdict, action = new.assessment, new.assessment.verdict, new.assessment.action
    if action in FIXED_STATES:
        turn.state, turn.ended_at = FIXED_STATES[action], timezone.now()
        turn.passages = list_fixed_passages(action, verdict)
        record_crisis(turn, verdict, person=new.person, state=turn.state)
    elif assessment.about_tutor:
        answer_about_tutor(
            turn,
            assessment.about_tutor,
            person=new.person,
            gate=asker.gate,
            plan=asker.plan,
            wants_spanning_notes=asker.wants_spanning_notes,
        )
    elif new.wait_for_model and preview_route(new.person, asker.gate).outage:
        _check_and_defer(new, turn, asker)
    else:
        _create_hold(new, turn, asker)


def _find_concurrent_turn(new: NewQuestion) -> Turn | None:
    """Return the turn that another retry or continuation of the same turn has just started, or None."""
    if new.retry_of:
        current = get_current_turn(new.retry_of)
        return current if current != new.retry_of else None
    return find_continuation(new.continues) if new.continues else None


def _require_allowed(new: NewQuestion, asker: Asker) -> None:
    """Raise QuestionRejected if the question may not be answered now."""
    if new.assessment.action in CRISIS_ACTIONS:
        if not asker.gate.has_consent:
            raise FamilyClosed(asker.gate)
        return
    if len(new.typed_question) > MAX_QUESTION_LENGTH:
        raise QuestionTooLong(length=len(new.typed_question), limit=MAX_QUESTION_LENGTH)
    if not is_tutor_open():
        raise TutorClosed
    if asker.gate.closed_reason:
        raise FamilyClosed(asker.gate)
    if pause := asker.find_pause():
        raise TutorPaused(pause.until)
    if new.conversation and (live := _find_live_turn(new.conversation)):
        raise StillAnswering(live)


def _find_live_turn(conversation: Conversation) -> Turn | None:
    return conversation.turns.filter(state__in=LIVE_STATES).first()


def _touch_conversation(conversation: Conversation) -> bool:
    """Set the time of the last question to now. Returns False if the conversation has been deleted."""
    now = timezone.now()
    conversation.asked_at = now
    return bool(Conversation.objects.filter(pk=conversation.pk).update(asked_at=now))


def _create_hold(new: NewQuestion, turn: Turn, asker: Asker) -> None:
    create_turn_hold(
        turn,
        PromptParts(new.earlier_turns, new.assessment.passages, new.assessment.continued),
        person=new.person,
        gate=asker.gate,
        plan=asker.plan,
        wants_spanning_notes=asker.wants_spanning_notes,
    )


def _check_and_defer(new: NewQuestion, turn: Turn, asker: Asker) -> None:
    """Defer the question. Raises as a hold would if it could not be paid for or answered now.

    A deferred turn holds nothing.
    """
    with transaction.atomic():
        # Only to see whether it raises.
        _create_hold(new, turn, asker)
        transaction.set_rollback(True)
    defer_turn(turn, new.person)
