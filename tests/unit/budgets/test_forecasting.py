"""The forecast of a month, measured on generated months whose behaviour is known."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgets.forecasting import (
    COVERAGE,
    HISTORY_WEEKS,
    DayUse,
    ExpectedUse,
    QuestionSize,
    Scenario,
    expect_use,
    find_student_quantile,
    rank_levers,
)
from budgets.pricing import PRESETS
from kit.memory_policy import MemoryPolicy

MONDAY = date(2026, 9, 7)
SCHOOL_WEEK = (120, 120, 130, 120, 90, 40, 80)
NOVEMBER = [date(2026, 11, 1) + timedelta(days=number) for number in range(30)]


def build_history(
    days: int, value: Callable[[date], int], *, last: date = date(2026, 10, 31)
) -> list[DayUse]:
    dates = [last - timedelta(days=number) for number in reversed(range(days))]
    return [DayUse(day=day, questions=value(day), microdollars=50 * value(day)) for day in dates]


class TestASteadySite:
    HISTORY = build_history(56, lambda day: SCHOOL_WEEK[day.weekday()])

    def test_is_forecast_exactly_by_its_weekdays(self) -> None:
        expected = expect_use(self.HISTORY, NOVEMBER)
        questions = sum(SCHOOL_WEEK[day.weekday()] for day in NOVEMBER)
        assert float(expected.questions) == pytest.approx(questions)
        assert float(expected.microdollars) == pytest.approx(50 * questions)
        assert float(expected.spread or 0) == pytest.approx(0, abs=1e-6)

    def test_needs_five_weeks_for_a_range_and_one_for_a_forecast(self) -> None:
        assert expect_use(self.HISTORY[-34:], NOVEMBER).spread is None
        assert expect_use(self.HISTORY[-35:], NOVEMBER).spread is not None
        one_week = expect_use(self.HISTORY[-7:], NOVEMBER)
        assert float(one_week.questions) == pytest.approx(sum(SCHOOL_WEEK[day.weekday()] for day in NOVEMBER))

    def test_says_nothing_of_a_month_after_less_than_a_week(self) -> None:
        assert expect_use(self.HISTORY[-6:], NOVEMBER) == ExpectedUse(
            questions=Decimal(0), microdollars=Decimal(0), spread=None
        )

    def test_ignores_what_is_older_than_eight_weeks(self) -> None:
        older = build_history(80, lambda day: SCHOOL_WEEK[day.weekday()] if day > date(2026, 9, 5) else 9999)
        assert expect_use(older, NOVEMBER) == expect_use(self.HISTORY, NOVEMBER)


def test_a_site_that_costs_nothing_has_no_range() -> None:
    idle = build_history(56, lambda _day: 0)
    assert expect_use(idle, NOVEMBER) == ExpectedUse(
        questions=Decimal(0), microdollars=Decimal(0), spread=None
    )


def test_a_site_that_grows_by_the_same_number_each_week_goes_on_growing() -> None:
    growing = build_history(56, lambda day: 100 + (day - MONDAY).days // 7 * 10)
    flat = expect_use(build_history(56, lambda _day: 100), NOVEMBER)
    assert expect_use(growing, NOVEMBER).questions > flat.questions * Decimal("1.7")


def test_a_site_that_shrinks_is_never_forecast_to_earn_money() -> None:
    shrinking = build_history(56, lambda day: max(0, 200 - (day - date(2026, 9, 6)).days * 4))
    assert expect_use(shrinking, NOVEMBER).microdollars >= 0


@dataclass(frozen=True)
class Behaviour:
    """How a generated site's days differ: by chance, as the day before, by week, and by growth in a month."""

    by_chance: float = 0.25
    as_the_day_before: float = 0.0
    by_week: float = 0.0
    growth: float = 0.0

    def generate(self, source: random.Random, days: list[date]) -> list[DayUse]:
        chance, week, uses = 0.0, 0.0, []
        for number, day in enumerate(days):
            chance *= self.as_the_day_before
            chance += math.sqrt(1 - self.as_the_day_before**2) * source.gauss()
            if number % 7 == 0:
                week = source.gauss(0, self.by_week)
            level = SCHOOL_WEEK[day.weekday()] * (1 + self.growth) ** (number / 30)
            cost = max(0, round(level * 1000 * (1 + self.by_chance * chance + week)))
            uses.append(DayUse(day=day, questions=1, microdollars=cost))
        return uses


def measure(behaviour: Behaviour, *, months: int = 400) -> tuple[float, float]:
    """Return the share of months that ended within their range, and the median error of the forecast."""
    source, inside, errors = random.Random(7), 0, []  # noqa: S311 - not for secrets
    history_days = HISTORY_WEEKS * 7
    for _month in range(months):
        start = MONDAY + timedelta(days=source.randrange(7))
        days = [start + timedelta(days=number) for number in range(history_days + 30)]
        uses = behaviour.generate(source, days)
        expected = expect_use(uses[:history_days], days[history_days:])
        assert expected.spread is not None
        error = sum(use.microdollars for use in uses[history_days:]) / float(expected.microdollars) - 1
        inside += abs(error) <= expected.spread
        errors.append(abs(error))
    return inside / months, sorted(errors)[months // 2]


class TestOnGeneratedMonths:
    """Four months out of five should end within the range. The median error is of the expected cost."""

    @pytest.mark.parametrize(
        ("behaviour", "least_inside", "largest_error"),
        [
            (Behaviour(), 0.75, 0.10),
            (Behaviour(as_the_day_before=0.5), 0.70, 0.14),
            (Behaviour(by_week=0.15), 0.74, 0.16),
            (Behaviour(growth=0.1), 0.75, 0.10),
            (Behaviour(growth=0.3), 0.62, 0.10),
        ],
        ids=[
            "days by chance",
            "days like the day before",
            "busy weeks",
            "a tenth a month",
            "a third a month",
        ],
    )
    def test_ranges_hold(self, behaviour: Behaviour, least_inside: float, largest_error: float) -> None:
        inside, error = measure(behaviour)
        assert least_inside <= inside <= 0.9
        assert error <= largest_error

    def test_a_range_is_not_wider_than_it_must_be(self) -> None:
        inside, _error = measure(Behaviour())
        assert inside == pytest.approx(COVERAGE, abs=0.05)


@pytest.mark.parametrize(("degrees", "quantile"), [(3, 1.638), (6, 1.440), (7, 1.415), (30, 1.310)])
def test_students_quantile_is_that_of_the_tables(degrees: int, quantile: float) -> None:
    assert find_student_quantile(0.9, degrees) == pytest.approx(quantile, abs=0.005)


SCENARIO = Scenario(
    people=Decimal(1000),
    questions_each=Decimal(20),
    size=QuestionSize(fixed=Decimal(400), memory=Decimal(300), answer=Decimal(200)),
    local_share=Decimal("0.5"),
    input_price=Decimal(10),
    output_price=Decimal(30),
)


class TestAScenario:
    def test_is_price_times_tokens_times_frequency_times_users(self) -> None:
        # A question sends 700 tokens at $10 and gets 200 at $30 a million: $0.013, and half of them are local.
        assert SCENARIO.question_price == Decimal("0.0065")
        assert SCENARIO.dollars == Decimal(130)
        assert SCENARIO.tokens == 18_000_000

    @pytest.mark.parametrize("name", PRESETS)
    def test_agrees_with_the_calculator_on_the_table_of_the_lesson(self, name: str) -> None:
        preset = PRESETS[name]
        tokens = preset.talk.count_tokens()
        scenario = Scenario(
            people=Decimal(preset.users),
            questions_each=Decimal(preset.frequency),
            size=QuestionSize(
                fixed=Decimal(tokens.sent - tokens.memory),
                memory=Decimal(tokens.memory),
                answer=Decimal(tokens.written),
            ),
            local_share=Decimal(0),
            input_price=preset.prices.input,
            output_price=preset.prices.output,
        )
        assert scenario.dollars == preset.calculate_total()

    def test_that_is_all_local_costs_nothing(self) -> None:
        assert replace(SCENARIO, local_share=Decimal(1)).dollars == 0


class TestWhatWouldChangeItMost:
    MEMORIES = {MemoryPolicy.NONE: Decimal(0), MemoryPolicy.FULL: Decimal(2000)}

    def test_is_ranked_by_the_larger_change_of_each_factor(self) -> None:
        levers = rank_levers(SCENARIO, self.MEMORIES)
        factors = list(dict.fromkeys(lever.factor for lever in levers))
        assert factors == ["memory", "local", "people", "questions", "answer", "fixed"]
        everything = next(lever for lever in levers if lever.change == "full")
        # 1,700 more tokens at $10 a million, for the half that is not local, of 20,000 questions.
        assert everything.difference == Decimal(170)

    def test_leaves_out_what_changes_nothing(self) -> None:
        all_local = replace(SCENARIO, local_share=Decimal(1))
        assert {lever.factor for lever in rank_levers(all_local, self.MEMORIES)} == {"local"}
        same = {MemoryPolicy.NOTES: SCENARIO.size.memory}
        assert "memory" not in {lever.factor for lever in rank_levers(SCENARIO, same)}

    @given(st.integers(1, 10**6), st.integers(1, 1000), st.integers(0, 3000), st.integers(0, 100))
    def test_says_what_each_change_costs(
        self, people: int, questions: int, memory: int, local_percent: int
    ) -> None:
        scenario = replace(
            SCENARIO,
            people=Decimal(people),
            questions_each=Decimal(questions),
            size=replace(SCENARIO.size, memory=Decimal(memory)),
            local_share=Decimal(local_percent) / 100,
        )
        levers = rank_levers(scenario, self.MEMORIES)
        assert all(lever.dollars - lever.difference == scenario.dollars for lever in levers)
        assert all(lever.dollars >= 0 for lever in levers)
        sizes = [abs(lever.difference) for lever in levers]
        assert not sizes or max(sizes) == abs(
            max(
                (lever for lever in levers if lever.factor == levers[0].factor),
                key=lambda one: abs(one.difference),
            ).difference
        )
