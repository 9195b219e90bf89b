"""A month's forecast is kept once, when the month begins, and stands beside what happened."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Person
from budgets.forecasts import list_forecast_results, make_forecast, read_history
from budgets.models import Budget, Forecast, Hold, HoldState, UsageRecord
from budgets.tasks import make_forecast as make_forecast_task
from config.settings.celery import CELERY_BEAT_SCHEDULE
from tests.budgets.ledger import make_hold, set_budget

pytestmark = pytest.mark.django_db

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_utc(settings: Any) -> None:
    settings.DEFAULT_PERSON_TIME_ZONE = "UTC"


@pytest.fixture
def budget(budget_owner: Person) -> Budget:
    return set_budget(budget_owner, tokens=None, now=DECEMBER - timedelta(days=90))


def use(budget: Budget, at: datetime, *, microdollars: int = 1000, is_local: bool = False) -> None:
    assert budget.owner
    period = make_hold(budget.owner, now=DECEMBER - timedelta(days=90)).period
    hold = Hold.objects.create(
        key=uuid4(), period=period, prompt_tokens=1, answer_tokens=1, state=HoldState.SETTLED, expires_at=at,
        resolved_at=at,
    )  # fmt: skip
    UsageRecord.objects.create(
        hold=hold, at=at, budget=budget, model="large", is_local=is_local, memory_policy="notes",
        is_absorbed=False, tokens=600, prompt_tokens=500, question_tokens=50, memory_tokens=300,
        cached_tokens=0, microdollars=microdollars, prompt_microdollars=0, memory_microdollars=0,
    )  # fmt: skip


def use_daily(budget: Budget, *, days: int, until: datetime = DECEMBER) -> None:
    for number in range(1, days + 1):
        use(budget, until - timedelta(days=number) + timedelta(hours=12))


class TestAForecast:
    def test_is_what_a_steady_site_will_cost(self, budget: Budget) -> None:
        use_daily(budget, days=56)
        forecast = make_forecast(now=DECEMBER + timedelta(hours=11))
        assert forecast
        assert (forecast.starts_at, forecast.ends_at) == (DECEMBER, datetime(2027, 1, 1, tzinfo=UTC))
        assert (forecast.days, forecast.questions, forecast.tokens) == (56, 31, 31 * 600)
        assert forecast.microdollars == 31_000
        assert forecast.low_microdollars == forecast.high_microdollars == 31_000

    def test_has_a_range_where_weeks_differ(self, budget: Budget) -> None:
        use_daily(budget, days=56)
        for number in (3, 4, 20, 44):
            use(budget, DECEMBER - timedelta(days=number), microdollars=9000)
        forecast = make_forecast(now=DECEMBER)
        assert forecast
        assert forecast.low_microdollars < forecast.microdollars < forecast.high_microdollars

    def test_is_made_once(self, budget: Budget) -> None:
        use_daily(budget, days=20)
        first = make_forecast(now=DECEMBER)
        use(budget, DECEMBER - timedelta(days=2), microdollars=10**6)
        assert make_forecast(now=DECEMBER + timedelta(days=1)) is None
        assert Forecast.objects.get() == first

    def test_is_made_up_to_the_third_day_after_a_day_without_a_worker(self, budget: Budget) -> None:
        use_daily(budget, days=20)
        assert make_forecast(now=DECEMBER + timedelta(days=3)) is None
        assert make_forecast(now=DECEMBER + timedelta(days=2))

    def test_knows_nothing_of_its_own_month(self, budget: Budget) -> None:
        use_daily(budget, days=20)
        use(budget, DECEMBER + timedelta(hours=1), microdollars=10**9)
        forecast = make_forecast(now=DECEMBER + timedelta(days=2))
        assert forecast
        assert forecast.microdollars == pytest.approx(31_000, rel=0.01)

    def test_needs_a_week(self, budget: Budget) -> None:
        use_daily(budget, days=6)
        assert make_forecast(now=DECEMBER) is None
        use(budget, DECEMBER - timedelta(days=7))
        assert make_forecast(now=DECEMBER)

    def test_is_made_by_a_daily_task(self) -> None:
        assert CELERY_BEAT_SCHEDULE["make forecast"]["task"] == make_forecast_task.name
        assert make_forecast_task() is False


class TestHistory:
    def test_begins_with_the_first_question(self, budget: Budget) -> None:
        use_daily(budget, days=10)
        history = read_history(before=DECEMBER.date(), zone=ZoneInfo("UTC"), now=DECEMBER)
        assert len(history.days) == 10
        assert history.people == 1

    def test_keeps_local_answers_apart(self, budget: Budget) -> None:
        use_daily(budget, days=3)
        use(budget, DECEMBER - timedelta(days=1), microdollars=0, is_local=True)
        history = read_history(before=DECEMBER.date(), zone=ZoneInfo("UTC"), now=DECEMBER)
        assert (history.outside.calls, history.local.calls, history.questions) == (3, 1, 4)


class TestWhatHappened:
    def test_stands_beside_the_forecast(self, budget: Budget) -> None:
        use_daily(budget, days=20)
        make_forecast(now=DECEMBER)
        use(budget, DECEMBER + timedelta(days=4), microdollars=40_000)
        [during] = list_forecast_results(limit=5, now=DECEMBER + timedelta(days=10))
        assert (during.is_over, during.microdollars) == (False, 40_000)
        [after] = list_forecast_results(limit=5, now=DECEMBER + timedelta(days=40))
        assert after.is_over
        assert after.error is not None
        assert float(after.error) == pytest.approx(40 / 31 - 1, rel=0.01)

    def test_has_no_error_where_nothing_was_expected(self, budget: Budget) -> None:
        for number in range(1, 8):
            use(budget, DECEMBER - timedelta(days=number), microdollars=0, is_local=True)
        make_forecast(now=DECEMBER)
        [result] = list_forecast_results(limit=1, now=DECEMBER + timedelta(days=40))
        assert (result.error, result.is_within_range) == (None, True)
