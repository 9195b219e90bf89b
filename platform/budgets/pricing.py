"""What answers cost: price × tokens × frequency × users, and what each way of remembering adds. Exact, no database.

Prices and totals are decimals, never floats. The forecast and the lesson *Memory versus margins* use the same formulas.
A talk has `replies` questions of q tokens with answers of a tokens. Before reply k, k − 1 questions and answers have
been exchanged, each of q + a tokens, and memory decides how many of these tokens are sent again:

    nothing     0
    everything  (k − 1)(q + a)
    the latest  min(k − 1, ⌊w ÷ (q + a)⌋)(q + a), where w is the window in tokens
    notes       as the latest, and a note of t tokens for each exchange that the window left out

So the tokens of a whole talk grow with the square of its length if everything is sent again, and with its length
otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from types import MappingProxyType

from kit.memory_policy import MemoryPolicy

# Tokens that a price is for. Providers write prices for a million tokens, and lessons for a thousand.
PER_MILLION = 1_000_000
PER_THOUSAND = 1_000
CENT = Decimal("0.01")
# Enough digits for the largest sum that the lesson's form takes. The default of 28 would round it.
EXACT = Context(prec=80)
# As many decimals as a sum below a cent is shown with.
MAX_DECIMALS = 6
# More exchanges than any talk has.
UNBOUNDED = 10**12


@dataclass(frozen=True)
class TokenPrices:
    """The price of a token that is sent to a model and of one that it writes, in dollars per million tokens."""

    input: Decimal
    output: Decimal

    @classmethod
    def build_blended(cls, price: Decimal) -> "TokenPrices":
        """Return one price for both directions."""
        return cls(price, price)

    @classmethod
    def build_from_thousand(cls, input_price: Decimal, output_price: Decimal) -> "TokenPrices":
        """Return prices that are written for 1,000 tokens."""
        times = PER_MILLION // PER_THOUSAND
        return cls(input_price * times, output_price * times)


@dataclass(frozen=True)
class TokenCount:
    """Tokens sent to a model and written by it. `memory` is a part of what was sent."""

    sent: int
    written: int
    memory: int = 0

    @property
    def total(self) -> int:
        return self.sent + self.written


@dataclass(frozen=True, kw_only=True)
class Talk:
    """One conversation: how long its questions and answers are, and what is sent besides.

    `fixed_tokens` are sent with each question: instructions, or material to read.
    """

    question_tokens: int
    answer_tokens: int
    replies: int = 1
    fixed_tokens: int = 0
    memory: MemoryPolicy = MemoryPolicy.NONE
    window_tokens: int = 0
    note_tokens: int = 0

    @property
    def exchange_tokens(self) -> int:
        """The tokens of a question and its answer."""
        return self.question_tokens + self.answer_tokens

    def count_memory(self, reply: int) -> int:
        """Return the tokens of memory that the prompt of a reply carries. The first reply is number 1."""
        earlier = max(reply - 1, 0)
        whole = min(earlier, self._window_exchanges)
        notes = earlier - whole if self.memory == MemoryPolicy.NOTES else 0
        return whole * self.exchange_tokens + notes * self.note_tokens

    def count_tokens(self) -> TokenCount:
        """Return the tokens of all replies together."""
        memory = self._count_all_memory()
        sent = self.replies * (self.fixed_tokens + self.question_tokens) + memory
        return TokenCount(sent, self.replies * self.answer_tokens, memory)

    @property
    def _window_exchanges(self) -> int:
        """How many exchanges are sent again whole, at most."""
        if self.memory == MemoryPolicy.NONE or not self.exchange_tokens:
            return 0
        if self.memory == MemoryPolicy.FULL:
            return UNBOUNDED
        return self.window_tokens // self.exchange_tokens

    def _count_all_memory(self) -> int:
        # The sum of count_memory over all replies: it grows until the window is full, and then stays or grows by notes.
        window, last = self._window_exchanges, self.replies - 1
        if last <= window:
            whole, left_out = _sum_to(max(last, 0)), 0
        else:
            whole, left_out = _sum_to(window) + (last - window) * window, _sum_to(last - window)
        notes = left_out * self.note_tokens if self.memory == MemoryPolicy.NOTES else 0
        return whole * self.exchange_tokens + notes


def _sum_to(last: int) -> int:
    """Return 1 + 2 + … + last."""
    return last * (last + 1) // 2


def calculate_price(prices: TokenPrices, tokens: TokenCount) -> Decimal:
    """Return what these tokens cost, in dollars, exactly."""
    with localcontext(EXACT):
        return (prices.input * tokens.sent + prices.output * tokens.written) / PER_MILLION


@dataclass(frozen=True, kw_only=True)
class Sum:
    """The four numbers: a price, a talk, how many talks each person has, and how many people."""

    prices: TokenPrices
    talk: Talk
    frequency: int
    users: int

    def calculate_total(self) -> Decimal:
        """Return price × tokens × frequency × users, in dollars, exactly."""
        with localcontext(EXACT):
            return calculate_price(self.prices, self.talk.count_tokens()) * self.frequency * self.users

    def with_memory(self, memory: MemoryPolicy) -> "Sum":
        return replace(self, talk=replace(self.talk, memory=memory))


BLENDED = TokenPrices.build_from_thousand(Decimal("0.02"), Decimal("0.02"))
FREE = TokenPrices.build_blended(Decimal(0))
# A message of 50 tokens: a question of 25 and an answer of 25.
_MESSAGE = Talk(question_tokens=25, answer_tokens=25)
_EMAIL = Talk(question_tokens=100, answer_tokens=100)
_EVERYONE = {"frequency": 150, "users": 150_000_000}
# The table of the lesson. Its names are words of the lesson's, which templates translate.
PRESETS: Mapping[str, Sum] = MappingProxyType(
    {
        "basic": Sum(
            prices=BLENDED, talk=Talk(question_tokens=500, answer_tokens=500), frequency=10, users=10_000
        ),
        "email": Sum(prices=BLENDED, talk=_EMAIL, frequency=10_000, users=10_000),
        "thread": Sum(
            prices=BLENDED,
            talk=replace(_EMAIL, replies=3, memory=MemoryPolicy.FULL),
            frequency=10_000,
            users=10_000,
        ),
        "message": Sum(prices=BLENDED, talk=_MESSAGE, **_EVERYONE),
        "short": Sum(prices=BLENDED, talk=replace(_MESSAGE, fixed_tokens=150), **_EVERYONE),
        "context": Sum(prices=BLENDED, talk=replace(_MESSAGE, fixed_tokens=127_950), **_EVERYONE),
        "device": Sum(prices=FREE, talk=replace(_MESSAGE, fixed_tokens=127_950), **_EVERYONE),
    }
)


def round_to_cents(amount: Decimal) -> Decimal:
    """Return an amount in whole cents, half up."""
    return amount.quantize(CENT, ROUND_HALF_UP, EXACT)


def round_dollars(amount: Decimal) -> Decimal:
    """Return an amount as it is shown: in cents, or with as many decimals as a smaller sum needs for two digits."""
    if not amount or abs(amount) >= CENT:
        return round_to_cents(amount)
    decimals = min(MAX_DECIMALS, 1 - amount.adjusted())
    return amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, EXACT)
