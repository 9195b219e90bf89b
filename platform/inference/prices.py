"""What a call to a model costs."""

from dataclasses import dataclass

TOKENS_PER_PRICE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Prices:
    """The prices of a model in micro-dollars per million tokens. `cached_input` is for the cached part of a prompt."""

    input: int = 0
    cached_input: int = 0
    output: int = 0

    @property
    def are_zero(self) -> bool:
        return not (self.input or self.cached_input or self.output)

    def cost_at_most(self, other: "Prices") -> bool:
        """Return whether no price is higher than the other's."""
        return (
            self.input <= other.input
            and self.cached_input <= other.cached_input
            and self.output <= other.output
        )

    def calculate_cost(self, *, prompt_tokens: int, answer_tokens: int, cached_tokens: int = 0) -> int:
        """Return the cost of a call in micro-dollars, rounded up. `cached_tokens` is a part of `prompt_tokens`."""
        cost = (
            (prompt_tokens - cached_tokens) * self.input
            + cached_tokens * self.cached_input
            + answer_tokens * self.output
        )
        return -(-cost // TOKENS_PER_PRICE)


FREE = Prices()
