"""What an answer cost, by part, and what a conversation has cost so far beside what full memory would have cost.

A prompt consists of instructions, what is remembered (notes and turns), the question, and what follows it: lessons or
one-off instructions. A server's cache holds the beginning of a prompt, so its cached tokens belong to the parts in
their order: of what is remembered,
min(max(cached - instructions, 0), remembered) tokens were cached.

Full memory is compared in its own favor. For each turn that was charged,

    prompt = instructions + question + what follows it + carried tokens of all earlier turns that can be read
    cached = instructions + carried tokens of all earlier turns but the newest

as if the model's context had no end, the server forgot nothing, and each prompt only added to the one before. The
answer and the prices are those of the turn. Full memory needs no notes. It never carries fewer tokens of turns than the
prompt did, and has no fewer in the cache. Turns that were not charged, such as failed ones, are left out: nothing tells
how long they are. A turn whose server counts no tokens is carried as its question's part of the prompt and its answer.
No text is read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import models
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from chat.models import Turn, TurnState
from chat.prompt import PromptPart
from kit.shares import split_by_weight

# All that is read of a turn.
COST_COLUMNS = (
    "id",
    "asked_at",
    "state",
    "retry_of_id",
    "replaced_by_id",
    "prompt_parts",
    "prompt_tokens",
    "cached_tokens",
    "carried_tokens",
    "answer_tokens",
    "microdollars",
    "input_price",
    "cached_input_price",
    "output_price",
)
# A cut answer is charged and never carried.
CARRIED_STATES = {TurnState.ANSWERED, TurnState.STOPPED}


class CostPart(models.TextChoices):
    """What an answer's cost consists of, in the order in which the model reads and writes it."""

    INSTRUCTIONS = "instructions", _("instructions")
    REMEMBERED = "remembered", _("remembered")
    QUESTION = "question", _("question")
    AFTER_QUESTION = "after_question", _("lessons or one-off instructions")
    ANSWER = "answer", _("answer")


PROMPT_PARTS = {
    CostPart.INSTRUCTIONS: (PromptPart.INSTRUCTIONS,),
    CostPart.REMEMBERED: (PromptPart.NOTES, PromptPart.TURNS),
    CostPart.QUESTION: (PromptPart.QUESTION,),
    CostPart.AFTER_QUESTION: (PromptPart.AFTER_QUESTION,),
}


@dataclass(frozen=True, kw_only=True)
class PartCost:
    """The tokens of a part, how many of them were in the server's cache, and its share of the price."""

    part: CostPart
    tokens: int
    cached_tokens: int = 0
    microdollars: int = 0


@dataclass(frozen=True, kw_only=True)
class ConversationCost:
    """What the answers of a conversation have cost, and what full memory would have cost."""

    answers: int = 0
    tokens: int = 0
    cached_tokens: int = 0
    microdollars: int = 0
    full_tokens: int = 0
    full_microdollars: int = 0


def split_answer_cost(turn: Turn) -> list[PartCost]:
    """Return what a turn cost by part, in order; empty if it was not charged or its prompt's parts are unknown.

    Tokens add up to `turn.tokens`, and micro-dollars to `turn.microdollars`.
    """
    if turn.is_live or not turn.tokens or not turn.prompt_parts:
        return []
    tokens = _count_tokens(turn)
    cached, left = {}, turn.cached_tokens
    for part in PROMPT_PARTS:
        cached[part] = min(left, tokens[part])
        left -= cached[part]
    prices = turn.prices
    costs = [
        (tokens[part] - cached[part]) * prices.input + cached[part] * prices.cached_input
        for part in PROMPT_PARTS
    ]
    shares = split_by_weight(turn.microdollars, [*costs, tokens[CostPart.ANSWER] * prices.output])
    return [
        PartCost(part=part, tokens=tokens[part], cached_tokens=cached.get(part, 0), microdollars=share)
        for part, share in zip(CostPart, shares, strict=True)
    ]


def _count_tokens(turn: Turn) -> dict[CostPart, int]:
    tokens, left = {}, turn.prompt_tokens
    for part, names in PROMPT_PARTS.items():
        tokens[part] = min(left, sum(turn.prompt_parts.get(name, 0) for name in names))
        left -= tokens[part]
    tokens[CostPart.QUESTION] += left
    return tokens | {CostPart.ANSWER: turn.answer_tokens}


def round_to_two_digits(number: int) -> int:
    """Round an estimate, as 1,234 to 1,200."""
    return round(number, 2 - len(str(number)))


def get_conversation_costs(turns: QuerySet[Turn]) -> dict[UUID, ConversationCost]:
    """Return what a conversation had cost after each of its charged turns, by turn id. Uses one query.

    `turns` are all turns of one conversation.
    """
    charged = turns.filter(prompt_tokens__gt=0, ended_at__isnull=False)
    return sum_costs(charged.order_by("asked_at", "pk").only(*COST_COLUMNS))


def sum_costs(turns: Iterable[Turn]) -> dict[UUID, ConversationCost]:
    """Return what a conversation had cost after each of `turns`, its charged turns, oldest first."""
    costs: dict[UUID, ConversationCost] = {}
    cost, carried = ConversationCost(), _Carried()
    for turn in turns:
        prompt, cached = _count_full_prompt(turn, carried)
        cost = ConversationCost(
            answers=cost.answers + 1,
            tokens=cost.tokens + turn.tokens,
            cached_tokens=cost.cached_tokens + turn.cached_tokens,
            microdollars=cost.microdollars + turn.microdollars,
            full_tokens=cost.full_tokens + prompt + turn.answer_tokens,
            full_microdollars=cost.full_microdollars
            + turn.prices.calculate_cost(
                prompt_tokens=prompt, answer_tokens=turn.answer_tokens, cached_tokens=cached
            ),
        )
        costs[turn.pk] = cost
        carried.add(turn)
    return costs


class _Carried:
    """The earlier turns that a prompt with full memory carries."""

    def __init__(self) -> None:
        self.turns: dict[UUID, int] = {}
        self.tokens = 0

    def add(self, turn: Turn) -> None:
        if turn.state not in CARRIED_STATES or turn.replaced_by_id:
            return
        tokens = turn.carried_tokens
        if tokens is None:
            tokens = _get_part(turn.prompt_parts, PromptPart.QUESTION) + turn.answer_tokens
        self.turns[turn.pk] = tokens
        self.tokens += tokens

    def count_for(self, turn: Turn) -> tuple[int, int]:
        """Return the tokens that `turn` carries, and those of the newest. The turn that it retries is left out."""
        retried = self.turns.get(turn.retry_of_id, 0) if turn.retry_of_id else 0
        others = (tokens for pk, tokens in reversed(self.turns.items()) if pk != turn.retry_of_id)
        return self.tokens - retried, next(others, 0)


def _count_full_prompt(turn: Turn, earlier: _Carried) -> tuple[int, int]:
    """Return the tokens of a turn's prompt with full memory, and how many of them would have been cached."""
    parts = turn.prompt_parts
    remembered = _get_part(parts, PromptPart.NOTES) + _get_part(parts, PromptPart.TURNS)
    carried, newest = earlier.count_for(turn)
    own = max(turn.prompt_tokens - remembered, 0)
    prompt = own + max(_get_part(parts, PromptPart.TURNS), carried)
    append_only = _get_part(parts, PromptPart.INSTRUCTIONS) + carried - newest if carried else 0
    return prompt, min(prompt, max(turn.cached_tokens, append_only))


def _get_part(parts: Mapping[str, int], part: PromptPart) -> int:
    return parts.get(part, 0)
