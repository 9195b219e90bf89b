"""How a turn ends: the fields of its row, its hold, its metrics, and whether a retry replaces what it retried."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Case, Q, Value, When
from django.utils import timezone

from budgets.errors import HoldAlreadyResolved, HoldNotFound
from budgets.services import absorb_hold, release_hold, settle_hold
from budgets.usage import Usage
from chat.memory.notes import NoteCandidate, choose_notes
from chat.models import Conversation, EndReason, Note, Turn, TurnState
from chat.selectors import drop_forgotten
from chat.turns.verdicts import list_fixed_passages
from guard import Level, Verdict, action_for
from inference.prices import FREE, Prices
from kit.memory_policy import NOTING_POLICIES
from kit.shares import split_by_weight
from telemetry.metrics import Counter, Histogram

TURNS = Counter("kitchen_turns", "Turns that have ended, by state and end reason.", ("state", "end_reason"))
TOKENS = Counter("kitchen_tokens", "Tokens of ended turns.", ("kind",))
COST = Counter("kitchen_cost_dollars", "The cost of ended turns, in dollars.")
QUEUE_WAIT = Histogram(
    "kitchen_queue_wait_seconds",
    "Seconds from a question until a worker claims it.",
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
FIRST_TOKEN = Histogram(
    "kitchen_time_to_first_token_seconds",
    "Seconds from a question to the first words of its answer.",
    (0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60),
)
GUARD = Counter("kitchen_remote_guard_requests", "Requests to the remote guard, by result.", ("result",))
GUARD_WAIT = Histogram(
    "kitchen_remote_guard_duration_seconds",
    "Seconds that a verdict of the remote guard took.",
    (0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5),
)
FALLBACKS = Counter(
    "kitchen_fallbacks", "Answers that another model had to give, by the reason.", ("end_reason",)
)
SENTENCES = Counter(
    "kitchen_judged_sentences", "Sentences of answers that were judged, by result.", ("result",)
)
WITHDRAWN_WORDS = Histogram(
    "kitchen_withdrawn_words",
    "Words of an unsafe sentence that readers had before it was withdrawn.",
    (1, 2, 5, 10, 15, 20, 30, 40),
)
WITHDRAWN_AFTER = Histogram(
    "kitchen_withdrawn_after_seconds",
    "Seconds from the first word of an unsafe sentence until it was withdrawn.",
    (0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30),
)
MEASURES = (
    TURNS, TOKENS, COST, QUEUE_WAIT, FIRST_TOKEN, GUARD, GUARD_WAIT, FALLBACKS, SENTENCES, WITHDRAWN_WORDS,
    WITHDRAWN_AFTER,
)  # fmt: skip


def record_claim(turn: Turn) -> None:
    """Count in the metrics how long a claimed turn had waited."""
    QUEUE_WAIT.observe(_get_seconds_since_asked(turn))


def record_first_words(turn: Turn) -> None:
    """Record that the first words of an answer go out."""
    FIRST_TOKEN.observe(_get_seconds_since_asked(turn))


def record_remote_verdict(result: str, seconds: float | None = None) -> None:
    """Record a request to the remote guard. `result` is "passed", "flagged" or "failed"; `seconds` is its duration."""
    GUARD.add(1, result)
    if seconds is not None:
        GUARD_WAIT.observe(seconds)


def record_safe_sentences(count: int) -> None:
    """Count sentences of an answer that were found safe."""
    SENTENCES.add(count, "safe")


def record_unsafe_sentence(shown_words: int, seconds: float) -> None:
    """Count an unsafe sentence: how many of its words readers had before it was withdrawn, and for how long."""
    SENTENCES.add(1, "withdrawn" if shown_words else "withheld")
    if shown_words:
        WITHDRAWN_WORDS.observe(shown_words)
        WITHDRAWN_AFTER.observe(seconds)


def record_failed_judge() -> None:
    """Count a sentence that could not be judged, which ended its answer."""
    SENTENCES.add(1, "failed")


def record_fallback(end_reason: EndReason) -> None:
    """Record that a model failed before its first word, and another one is asked."""
    FALLBACKS.add(1, str(end_reason))


def record_end(
    *,
    state: TurnState,
    end_reason: EndReason = EndReason.NONE,
    prompt_tokens: int = 0,
    answer_tokens: int = 0,
    microdollars: int = 0,
) -> None:
    """Count a turn's end, its tokens and its cost in the metrics."""
    TURNS.add(1, str(state), str(end_reason))
    TOKENS.add(prompt_tokens, "prompt")
    TOKENS.add(answer_tokens, "answer")
    COST.add(microdollars / 1_000_000)


def _get_seconds_since_asked(turn: Turn) -> float:
    # Clocks may differ between machines; never report a negative wait.
    return max(0.0, (timezone.now() - turn.queued_at).total_seconds())


def build_end_reason(end_reason: EndReason) -> EndReason | Case:
    """Return the end reason for the row. A stopped turn keeps CONSENT_WITHDRAWN if the row already says so."""
    if end_reason != EndReason.STOPPED_BY_ASKER:
        return end_reason
    return Case(
        When(end_reason=EndReason.CONSENT_WITHDRAWN, then=Value(EndReason.CONSENT_WITHDRAWN)),
        default=Value(EndReason.STOPPED_BY_ASKER),
    )


logger = logging.getLogger(__name__)

# A failed turn costs the person nothing, and neither does one whose answer gave way to a fixed text.
CHARGED_STATES = {TurnState.ANSWERED, TurnState.STOPPED, TurnState.CUT}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a turn ended, and what it used. Token counts are the server's, or else our own."""

    state: TurnState
    end_reason: EndReason
    answer: str
    prompt_tokens: int
    answer_tokens: int
    # How many of the prompt's tokens were in the server's cache.
    cached_tokens: int = 0
    # The prompt's tokens by part (chat.prompt.PromptPart). They add up to `prompt_tokens`.
    prompt_parts: Mapping[str, int] = field(default_factory=dict)
    # How many tokens a later prompt needs to carry the turn; None if they were not counted.
    carried_tokens: int | None = None
    # What to remember of the question, and the tokens of each.
    notes: Sequence[tuple[NoteCandidate, int]] = ()
    # The prices of the model that answered.
    prices: Prices = FREE
    # The verdict on the question, if it came while the answer was being written.
    verdict: Verdict | None = None
    # When the model's server takes questions again, if it said so.
    retry_at: datetime | None = None
    # The quiz that the turn asked for, as it is stored.
    quiz: Mapping[str, object] | None = None
    # Whether the model's text was no use, so that the site gives one of its own.
    is_unused: bool = False

    @property
    def is_charged(self) -> bool:
        """Whether the person pays for the turn. Otherwise the site does."""
        return self.state in CHARGED_STATES and not self.is_unused

    @property
    def microdollars(self) -> int:
        """What the tokens cost at the model's prices, in micro-dollars."""
        return self.prices.calculate_cost(
            prompt_tokens=self.prompt_tokens,
            answer_tokens=self.answer_tokens,
            cached_tokens=self.cached_tokens,
        )

    def record(self) -> None:
        record_end(
            state=self.state,
            end_reason=self.end_reason,
            prompt_tokens=self.prompt_tokens,
            answer_tokens=self.answer_tokens,
            microdollars=self.microdollars,
        )


def build_ended_fields(outcome: Outcome) -> dict[str, object]:
    """Return the field values of a turn that ends with this outcome."""
    return {
        "state": outcome.state,
        "end_reason": build_end_reason(outcome.end_reason),
        "answer": outcome.answer,
        "quiz": outcome.quiz,
        "prompt_tokens": outcome.prompt_tokens if outcome.is_charged else 0,
        "prompt_parts": outcome.prompt_parts if outcome.is_charged else {},
        "cached_tokens": outcome.cached_tokens if outcome.is_charged else 0,
        "carried_tokens": outcome.carried_tokens,
        "answer_tokens": outcome.answer_tokens if outcome.is_charged else 0,
        "microdollars": outcome.microdollars if outcome.is_charged else 0,
        "retry_at": outcome.retry_at,
        "claim": None,
        "lease_until": None,
        "ended_at": timezone.now(),
        "waits_for": "",
        **_build_verdict_fields(outcome.verdict),
    }


def choose_turn_notes(turn: Turn) -> Sequence[NoteCandidate]:
    """Return what to remember of a turn's question once later prompts may carry it.

    Nothing of a question that the guard found anything in, and nothing of a turn that only continues another.
    """
    is_noted = turn.memory_policy in NOTING_POLICIES and not turn.continues_id
    is_harmless = turn.level == Level.NONE and not turn.categories
    return choose_notes(turn.question) if is_noted and is_harmless else ()


def store_notes(turn: Turn, notes: Sequence[tuple[NoteCandidate, int]]) -> None:
    """Store what is remembered of a turn's question. Must run in the transaction that ends the turn.

    Nothing is stored if its owner has made the tutor forget the conversation since the question, or turned memory off.
    """
    # The lock lets a concurrent forgetting come either before this or after it.
    conversation = Conversation.objects.select_for_update(no_key=True).filter(pk=turn.conversation_id).first()
    if conversation is None or not conversation.has_memory or not drop_forgotten([turn], conversation):
        return
    Note.objects.bulk_create(
        Note(
            conversation_id=turn.conversation_id,
            turn=turn,
            kind=candidate.kind,
            text=candidate.text,
            tokens=tokens,
        )
        for candidate, tokens in notes
    )


def _build_verdict_fields(verdict: Verdict | None) -> dict[str, object]:
    if verdict is None:
        return {}
    return {
        "level": str(verdict.level),
        "categories": sorted(verdict.categories),
        "layer": verdict.layer,
        "passages": list_fixed_passages(action_for(verdict), verdict),
    }


def build_usage(turn: Turn, outcome: Outcome) -> Usage:
    """Return what the ledger records of a call to a model: its parts, with their share of the price.

    A server's cache holds the beginning of a prompt: the instructions, then what is remembered.
    """
    prompt, prices, parts = outcome.prompt_tokens, outcome.prices, outcome.prompt_parts
    cached = min(outcome.cached_tokens, prompt)
    memory = min(parts.get("notes", 0) + parts.get("turns", 0), prompt)
    question = min(parts.get("question", 0), prompt - memory)
    cached_memory = min(max(cached - parts.get("instructions", 0), 0), memory)
    rest, cached_rest = prompt - memory, min(cached - cached_memory, prompt - memory)
    memory_microdollars, rest_microdollars, _answer = split_by_weight(
        outcome.microdollars,
        [
            (memory - cached_memory) * prices.input + cached_memory * prices.cached_input,
            (rest - cached_rest) * prices.input + cached_rest * prices.cached_input,
            outcome.answer_tokens * prices.output,
        ],
    )
    return Usage(
        model=turn.model,
        is_local=turn.is_local,
        memory_policy=turn.memory_policy,
        prompt_tokens=prompt,
        question_tokens=question,
        memory_tokens=memory,
        cached_tokens=cached,
        prompt_microdollars=memory_microdollars + rest_microdollars,
        memory_microdollars=memory_microdollars,
    )


def resolve_hold(turn: Turn, outcome: Outcome) -> None:
    """Settle, release or absorb the hold of a turn that has ended with this outcome.

    A hold that was resolved before stays as it is, and an error is logged.
    """
    tokens = outcome.prompt_tokens + outcome.answer_tokens
    try:
        if not tokens:
            release_hold(key=turn.hold_key)
            return
        resolve = settle_hold if outcome.is_charged else absorb_hold
        resolve(
            key=turn.hold_key,
            tokens=tokens,
            microdollars=outcome.microdollars,
            usage=build_usage(turn, outcome),
        )
    except (HoldAlreadyResolved, HoldNotFound):
        # The ledger's safety net resolved it first, after a pause longer than any turn. That result stands.
        logger.exception("Hold %s was resolved before its turn ended.", turn.hold_key)


# --- Retries (ADR 34) ---

# The guard has judged the question itself in these states, so no answer to it may stay on screen or go to a model.
VERDICT_STATES = {TurnState.CARDED, TurnState.PAUSED, TurnState.REFUSED, TurnState.REDIRECTED}


def is_better(retry: Turn, earlier: Turn) -> bool:
    """Return whether an ended retry replaces the failed or stopped turn that it retried.

    A fixed text and a whole answer always do. A cut answer does only if the earlier turn has no answer. Anything else
    must be longer than the earlier answer.
    """
    if retry.state in VERDICT_STATES:
        return True
    if retry.state == TurnState.CUT:
        return not earlier.answer
    is_whole = retry.state == TurnState.ANSWERED and retry.end_reason == EndReason.NONE
    return (is_whole and bool(retry.answer)) or len(retry.answer) > len(earlier.answer)


def lock_with_retried(turn_id: UUID) -> None:
    """Lock a turn and the turn that it retries, before either is written.

    Locks in the order of ids, as `delete_conversation` does, to avoid a deadlock.
    """
    retried = Turn.objects.filter(pk=turn_id).values("retry_of")
    pair = Turn.objects.filter(Q(pk=turn_id) | Q(pk__in=retried))
    list(pair.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def choose_shown_turn(turn_id: UUID) -> None:
    """Decide whether an ended retry or the turn that it retried is shown from now on.

    Must run in the transaction that ends the retry. Does nothing for a turn that is not a retry.
    """
    retry = Turn.objects.select_related("retry_of").filter(pk=turn_id).first()
    if retry is None or retry.retry_of is None or retry.is_live:
        return
    shown, hidden = retry, retry.retry_of
    if not is_better(retry, retry.retry_of):
        shown, hidden = hidden, shown
    Turn.objects.filter(pk=hidden.pk).update(replaced_by=shown)
    _keep_notes_once(earlier=retry.retry_of, retry=retry, shown=shown)


def _keep_notes_once(*, earlier: Turn, retry: Turn, shown: Turn) -> None:
    """Leave a question's notes with the turn that is shown: the earlier ones, which their asker may have edited.

    A turn without an answer has none: what a fixed text answers is never remembered.
    """
    notes = Note.objects.filter(turn__in=[earlier, retry])
    if not shown.answer:
        notes.delete()
        return
    if notes.filter(turn=earlier).exists():
        notes.filter(turn=retry).delete()
    notes.update(turn=shown)
