"""What one answer needs of a budget, whole or made shorter. Pure."""

from dataclasses import dataclass
from typing import Literal

type Unit = Literal["tokens", "microdollars"]
UNITS: tuple[Unit, Unit] = ("tokens", "microdollars")


@dataclass(frozen=True, kw_only=True)
class CostEstimate:
    """The most that a prompt and a whole answer can cost, in tokens and in millionths of a dollar."""

    prompt_tokens: int
    answer_tokens: int
    min_answer_tokens: int
    prompt_microdollars: int = 0
    answer_microdollars: int = 0

    def __post_init__(self) -> None:
        if self.prompt_tokens < 0 or not 0 < self.min_answer_tokens <= self.answer_tokens:
            raise ValueError("An answer has a token at least, and the least of it is no more than the whole.")
        if min(self.prompt_microdollars, self.answer_microdollars) < 0:
            raise ValueError("A price is not negative.")

    def cost(self, unit: Unit, *, answer: int) -> int:
        """What the prompt and `answer` tokens can cost at most; a part of a microdollar counts as a whole one."""
        if unit == "tokens":
            return self.prompt_tokens + answer
        return self.prompt_microdollars - (-answer * self.answer_microdollars // self.answer_tokens)

    def longest(self, unit: Unit, *, left: int) -> int:
        """The longest answer, in tokens, that `left` pays for; below nothing where not even the prompt is paid."""
        if unit == "tokens":
            return min(self.answer_tokens, left - self.prompt_tokens)
        room = left - self.prompt_microdollars
        if room < 0 or not self.answer_microdollars:
            return self.answer_tokens if room >= 0 else -1
        return min(self.answer_tokens, room * self.answer_tokens // self.answer_microdollars)
