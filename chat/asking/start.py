"""How a question becomes a turn: whether it is answered now, what its answer is grounded on, and its hold."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from budgets.errors import BudgetShort, KeyTaken
from budgets.selectors import plan_of
from budgets.services import hold_make
from chat.errors import (
    ConversationGone,
    FamilyClosed,
    IdTaken,
    ModelNotInPlan,
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
from chat.selectors import pause_of
from chat.turns import outcomes, queue
from chat.turns.outages import defer, model_outage
from chat.turns.retries import continuation_of, continued_by, settle_retry, standing_turn
from chat.turns.verdicts import FIRST, FIXED, NAMING, cleared, lessons_for, plain_title, title_from
from families.closing import lock_consent
from families.gate import Gate, gate_of
from guard import Action, Verdict, action_for
from inference.prices import price
from inference.tokens import tokens_at_most
from safeguarding.review import chat_is_open

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


# The ledger's own safety net. A turn lives for minutes at most, so a hold this old has lost its turn.
HOLD_LEASE = timedelta(minutes=20)
# A few sentences. Where a budget has room for these, it is the question that is too long for it.
SHORT_QUESTION_TOKENS = 150


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
    when_back: bool = False


def take_question(asked: Asked) -> Turn:
    """Make the question a turn, in the transaction of the caller: with its hold, or at once with fixed words."""
    person, verdict = asked.person, asked.verdict
    action = action_for(verdict)
    # It locks the row, so that a conversation is neither deleted nor asked in twice meanwhile.
    if asked.conversation and not _touch_conversation(asked.conversation):
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
    elif asked.when_back and model_outage():
        _check_and_defer(person, turn, gate, asked.past)
    else:
        ground_and_hold(person, turn, gate, asked.past)
    turn.save(force_insert=True)
    turn.is_new = True
    if asked.retry_of:
        settle_retry(turn.pk)
    if turn.state == State.DEFERRED:
        transaction.on_commit(queue.send_watch)
    elif turn.is_live:
        transaction.on_commit(lambda: queue.send(turn.pk))
    else:
        transaction.on_commit(lambda: outcomes.turn_ended(state=State(turn.state)))
    return turn


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


def _check_and_defer(person: Person, turn: Turn, gate: Gate, past: list[Turn]) -> None:
    """Let the question wait for the model, if it could be answered now. Nothing stays held while it waits."""
    with transaction.atomic():
        ground_and_hold(person, turn, gate, past)
        transaction.set_rollback(True)
    defer(turn, person)


def ground_and_hold(person: Person, turn: Turn, gate: Gate, past: list[Turn]) -> None:
    """Find what the answer is to draw on, and hold what it may cost. Nothing is stored but the hold.

    Raises ModelNotInPlan, QuestionTooLong, BudgetShort, SiteStopped or IdTaken.
    """
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
