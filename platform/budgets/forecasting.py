"""What the coming month may cost: from this site's own averages and the spread of its weeks. No database access.

A straight line through the totals of the last eight whole weeks gives the questions of a month, whose weekdays count by
their share of those weeks, as school days and weekends differ. An average question then costs price × tokens, by the
calculator's formula (budgets.pricing).

The range is the regression's own prediction interval (Hyndman and Athanasopoulos, *Forecasting: Principles and
Practice*, 3rd edition, 5.5 and 7.6). With n weeks, their residual variance s² on n - 2 degrees of freedom, a month of m
weeks whose middle is c weeks from the middle of the history, and S the sum of squares of the weeks' distances from it:

    range = expected ± t · s · √(m + m² (1 ÷ n + c² ÷ S))

The first part is the luck of the coming weeks, the rest what eight weeks leave unknown of level and trend. t is
Student's, for four months out of five. Weeks and not days are the unit, because busy days come together: ranges from
single days held in 57 of 100 months where each day resembled the one before, and in none where use grew (ADR 65).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from statistics import NormalDist

from kit.memory_policy import MemoryPolicy

WEEK = 7
HISTORY_WEEKS = 8
# With fewer weeks there is no line, and no range: the month is expected to be like the weeks that there are.
MIN_WEEKS = 5
# The share of months that should end within the range.
COVERAGE = 0.8
TOKENS_PER_PRICE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class DayUse:
    """What one day of the history used."""

    day: date
    questions: int
    microdollars: int


@dataclass(frozen=True, kw_only=True)
class ExpectedUse:
    """What a month should see.

    `spread` is how far its cost may be from the expected one, as a part of that; None if the history is too short or
    cost nothing.
    """

    questions: Decimal
    microdollars: Decimal
    spread: Decimal | None


def expect_use(history: Sequence[DayUse], days: Sequence[date]) -> ExpectedUse:
    """Return what the `days` of a month should see after a `history` of consecutive days.

    Of the history the latest whole weeks count, at most HISTORY_WEEKS.
    """
    weeks = min(len(history) // WEEK, HISTORY_WEEKS)
    used = list(history)[len(history) - weeks * WEEK :]
    if not used:
        return ExpectedUse(questions=Decimal(0), microdollars=Decimal(0), spread=None)
    questions, _deviation = _extend_line(used, [use.questions for use in used], days)
    microdollars, deviation = _extend_line(used, [use.microdollars for use in used], days)
    spread = Decimal(deviation / microdollars) if deviation is not None and microdollars else None
    return ExpectedUse(questions=Decimal(questions), microdollars=Decimal(microdollars), spread=spread)


def _extend_line(
    used: Sequence[DayUse], values: Sequence[int], days: Sequence[date]
) -> tuple[float, float | None]:
    """Return the expected sum of the `days`, and half the width of its range if there are enough weeks."""
    totals = [sum(values[start : start + WEEK]) for start in range(0, len(values), WEEK)]
    weeks, mean = len(totals), sum(totals) / len(totals)
    ahead = _count_weeks(used, values, days)
    if weeks < MIN_WEEKS:
        return ahead * mean, None
    middle = (weeks - 1) / 2
    squares = sum((week - middle) ** 2 for week in range(weeks))
    slope = sum((week - middle) * (total - mean) for week, total in enumerate(totals)) / squares
    residuals = [total - mean - slope * (week - middle) for week, total in enumerate(totals)]
    variance = math.fsum(residual**2 for residual in residuals) / (weeks - 2)
    # The middle of week number 0 is its fourth day.
    distances = [((day - used[0].day).days - WEEK // 2) / WEEK - middle for day in days]
    distance = sum(distances) / len(distances)
    expected = max(0.0, ahead * (mean + slope * distance))
    quantile = find_student_quantile((1 + COVERAGE) / 2, weeks - 2)
    unknown = 1 / weeks + distance**2 / squares
    return expected, quantile * math.sqrt(variance * (ahead + ahead * ahead * unknown))


def _count_weeks(used: Sequence[DayUse], values: Sequence[int], days: Sequence[date]) -> float:
    """Return how many average weeks the `days` are, each by the share of its weekday."""
    total = sum(values)
    if not total:
        return len(days) / WEEK
    shares = [0.0] * WEEK
    for use, value in zip(used, values, strict=True):
        shares[use.day.weekday()] += value / total
    return sum(shares[day.weekday()] for day in days)


def find_student_quantile(share: float, degrees: int) -> float:
    """Return a quantile of Student's t distribution, to two decimals from three degrees of freedom on.

    The expansion is Abramowitz and Stegun's 26.7.5.
    """
    z = NormalDist().inv_cdf(share)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / float(degrees) ** power for power, term in enumerate(terms, 1))


@dataclass(frozen=True, kw_only=True)
class QuestionSize:
    """The tokens of an average question: what is sent besides memory, memory, and the answer."""

    fixed: Decimal
    memory: Decimal
    answer: Decimal


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """The factors of a month. Prices are in dollars per million tokens; `local_share` is between 0 and 1."""

    people: Decimal
    questions_each: Decimal
    size: QuestionSize
    local_share: Decimal
    input_price: Decimal
    output_price: Decimal
    local_input_price: Decimal = Decimal(0)
    local_output_price: Decimal = Decimal(0)

    @property
    def questions(self) -> Decimal:
        return self.people * self.questions_each

    @property
    def tokens(self) -> Decimal:
        return self.questions * (self.size.fixed + self.size.memory + self.size.answer)

    @property
    def question_price(self) -> Decimal:
        """What an average question costs, in dollars."""
        outside = self._price(self.input_price, self.output_price)
        local = self._price(self.local_input_price, self.local_output_price)
        return (1 - self.local_share) * outside + self.local_share * local

    @property
    def dollars(self) -> Decimal:
        """Price × tokens × frequency × users."""
        return self.questions * self.question_price

    def _price(self, input_price: Decimal, output_price: Decimal) -> Decimal:
        sent = self.size.fixed + self.size.memory
        return (input_price * sent + output_price * self.size.answer) / TOKENS_PER_PRICE


@dataclass(frozen=True, kw_only=True)
class Lever:
    """What a month costs with one factor changed. `factor` and `change` name them (desk.forecast_texts)."""

    factor: str
    change: str
    dollars: Decimal
    difference: Decimal


# Each factor is changed by a fifth, and a share by 20 points.
STEP = Decimal("0.2")
POLICY_ORDER = tuple(MemoryPolicy)


def rank_levers(scenario: Scenario, memory_sizes: dict[MemoryPolicy, Decimal]) -> list[Lever]:
    """Return what would change a month's cost most, the largest change first.

    Every factor is made a fifth larger and a fifth smaller, the share of local answers moves by 20 points as far as it
    can, and memory becomes each other policy, of the size in `memory_sizes`. All else stays. Of each factor the larger
    change counts for its place, and both are listed.
    """
    less, more = 1 - STEP, 1 + STEP
    size = scenario.size
    changed = [
        ("people", "less", replace(scenario, people=scenario.people * less)),
        ("people", "more", replace(scenario, people=scenario.people * more)),
        ("questions", "less", replace(scenario, questions_each=scenario.questions_each * less)),
        ("questions", "more", replace(scenario, questions_each=scenario.questions_each * more)),
        ("answer", "less", replace(scenario, size=replace(size, answer=size.answer * less))),
        ("answer", "more", replace(scenario, size=replace(size, answer=size.answer * more))),
        ("fixed", "less", replace(scenario, size=replace(size, fixed=size.fixed * less))),
        ("fixed", "more", replace(scenario, size=replace(size, fixed=size.fixed * more))),
        ("local", "less", replace(scenario, local_share=max(Decimal(0), scenario.local_share - STEP))),
        ("local", "more", replace(scenario, local_share=min(Decimal(1), scenario.local_share + STEP))),
        *(
            ("memory", policy.value, replace(scenario, size=replace(size, memory=tokens)))
            for policy, tokens in memory_sizes.items()
        ),
    ]
    levers = [
        Lever(
            factor=factor, change=change, dollars=other.dollars, difference=other.dollars - scenario.dollars
        )
        for factor, change, other in changed
    ]
    largest = {
        factor: max(abs(lever.difference) for lever in levers if lever.factor == factor)
        for factor in {lever.factor for lever in levers}
    }
    return sorted(
        (lever for lever in levers if lever.difference),
        key=lambda lever: (-largest[lever.factor], lever.factor, lever.difference),
    )
