"""What an answer can cost, in full or shortened. No database access."""

from dataclasses import dataclass
from typing import Literal

type Unit = Literal["tokens", "microdollars"]
UNITS: tuple[Unit, Unit] = ("tokens", "microdollars")


@dataclass(frozen=True, kw_only=True)
class CostEstimate:
    """The maximum cost of a prompt and a full answer, in tokens and in millionths of a dollar."""

    prompt_tokens: int
    answer_tokens: int
    min_answer_tokens: int
    prompt_microdollars: int = 0
    answer_microdollars: int = 0

    def __post_init__(self) -> None:
        if self.prompt_tokens < 0 or not 0 < self.min_answer_tokens <= self.answer_tokens:
            raise ValueError(
                "An answer needs at least one token, and its minimum must not exceed its maximum."
            )
        if min(self.prompt_microdollars, self.answer_microdollars) < 0:
            raise ValueError("A price must not be negative.")

    def cost(self, unit: Unit, *, answer: int) -> int:
        """Return the maximum cost of the prompt plus `answer` tokens. Fractions of a microdollar round up."""
        if unit == "tokens":
            return self.prompt_tokens + answer
        return self.prompt_microdollars - (-answer * self.answer_microdollars // self.answer_tokens)

    def longest(self, unit: Unit, *, left: int) -> int:
        """Return the longest answer, in tokens, that `left` pays for. Negative if it does not cover the prompt."""
        if unit == "tokens":
            return min(self.answer_tokens, left - self.prompt_tokens)
        room = left - self.prompt_microdollars
        if room < 0 or not self.answer_microdollars:
            return self.answer_tokens if room >= 0 else -1
        return min(self.answer_tokens, room * self.answer_tokens // self.answer_microdollars)
