"""Forecasts of this site's months: from its ledger, made once when a month begins, and kept beside what happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import dropwhile
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from budgets.forecasting import (
    HISTORY_WEEKS,
    WEEK,
    DayUse,
    ExpectedUse,
    QuestionSize,
    Scenario,
    expect_use,
)
from budgets.models import Forecast
from budgets.pricing import TokenPrices
from budgets.spending import Amounts, CostPeriod, Spending, read_spending

# The averages come from the latest four weeks, so that a new model or memory is soon seen.
AVERAGED_DAYS = 4 * WEEK
# A forecast that is made later in its month than this would know too much of it.
LATEST_DAY = 3
MICRO = Decimal(1_000_000)


@dataclass(frozen=True, kw_only=True)
class History:
    """What this site used before a day: each day of up to eight weeks, and the sums of the latest four.

    `people` is how many used the tutor in those four weeks, and `memories` are their sums by memory policy.
    """

    days: Sequence[DayUse]
    outside: Amounts
    local: Amounts
    people: int
    memories: Mapping[str, Amounts]

    @property
    def questions(self) -> int:
        """The questions of the latest four weeks."""
        return self.outside.calls + self.local.calls


def read_history(*, before: date, zone: ZoneInfo, now: datetime | None = None) -> History:
    """Read what this site used before a day. Idle days before the first question do not count as history."""
    last = before - timedelta(days=1)
    latest = read_spending(CostPeriod(before - timedelta(days=AVERAGED_DAYS), last, zone), now=now)
    whole = read_spending(CostPeriod(before - timedelta(days=HISTORY_WEEKS * WEEK), last, zone), now=now)
    return History(
        days=_list_days(whole),
        outside=latest.sum_where(lambda row: not row.is_local),
        local=latest.sum_where(lambda row: row.is_local),
        people=latest.people,
        memories=latest.group_by(lambda row: row.memory_policy),
    )


def _list_days(spending: Spending) -> list[DayUse]:
    days = [
        DayUse(day=day, questions=amounts.calls, microdollars=amounts.microdollars)
        for day, amounts in spending.iterate_days()
    ]
    return list(dropwhile(lambda use: not use.questions, days))


def average_size(amounts: Amounts) -> QuestionSize:
    """Return the tokens of an average question."""
    calls = max(amounts.calls, 1)
    return QuestionSize(
        fixed=Decimal(amounts.other_prompt_tokens) / calls,
        memory=Decimal(amounts.memory_tokens) / calls,
        answer=Decimal(amounts.answer_tokens) / calls,
    )


def find_prices(amounts: Amounts, listed: TokenPrices) -> TokenPrices:
    """Return what a token has cost in each direction, in dollars per million; `listed` where there were no tokens.

    What was paid may be less than the list says, as cached tokens are cheaper.
    """
    return TokenPrices(
        Decimal(amounts.prompt_microdollars) / amounts.prompt_tokens
        if amounts.prompt_tokens
        else listed.input,
        Decimal(amounts.answer_microdollars) / amounts.answer_tokens
        if amounts.answer_tokens
        else listed.output,
    )


def build_scenario(history: History, expected: ExpectedUse, listed: TokenPrices) -> Scenario:
    """Return a month as this site's averages make it. `listed` is the price of an outside model that may answer."""
    outside = find_prices(history.outside, listed)
    local = find_prices(history.local, TokenPrices(Decimal(0), Decimal(0)))
    people, questions = Decimal(history.people), history.questions
    return Scenario(
        people=people,
        questions_each=expected.questions / people if people else Decimal(0),
        size=average_size(history.outside + history.local),
        local_share=Decimal(history.local.calls) / questions if questions else Decimal(1),
        input_price=outside.input,
        output_price=outside.output,
        local_input_price=local.input,
        local_output_price=local.output,
    )


def make_forecast(*, now: datetime | None = None) -> Forecast | None:
    """Store what this month is expected to cost, once, in its first days. Return it if it was made now.

    Nothing is stored for a site without a week of history. Months are those of the site's own time zone.
    """
    now = now or timezone.now()
    zone = ZoneInfo(settings.DEFAULT_PERSON_TIME_ZONE)
    month = CostPeriod.build_month(now.astimezone(zone).date(), zone)
    if now.astimezone(zone).day > LATEST_DAY or Forecast.objects.filter(starts_at=month.starts_at).exists():
        return None
    history = read_history(before=month.first, zone=zone, now=now)
    if len(history.days) < WEEK:
        return None
    expected = expect_use(history.days, month.list_days())
    used = history.outside + history.local
    tokens_each = Decimal(used.tokens) / used.calls if used.calls else Decimal(0)
    spread = expected.spread or Decimal(0)
    forecast, is_new = Forecast.objects.get_or_create(
        starts_at=month.starts_at,
        defaults={
            "ends_at": month.ends_at,
            "made_at": now,
            "days": len(history.days),
            "questions": round(expected.questions),
            "tokens": round(expected.questions * tokens_each),
            "microdollars": round(expected.microdollars),
            "low_microdollars": max(0, round(expected.microdollars * (1 - spread))),
            "high_microdollars": round(expected.microdollars * (1 + spread)),
        },
    )
    return forecast if is_new else None


@dataclass(frozen=True, kw_only=True)
class ForecastResult:
    """A forecast beside what its month cost, or has cost so far."""

    forecast: Forecast
    month: CostPeriod
    microdollars: int
    questions: int
    is_over: bool

    @property
    def is_within_range(self) -> bool:
        return self.forecast.low_microdollars <= self.microdollars <= self.forecast.high_microdollars

    @property
    def error(self) -> Decimal | None:
        """How much more it cost than was expected, as a part of that; None where nothing was expected."""
        expected = self.forecast.microdollars
        return (Decimal(self.microdollars) - expected) / expected if expected else None


def list_forecast_results(*, limit: int, now: datetime | None = None) -> list[ForecastResult]:
    """Return the latest forecasts beside what happened, the newest first."""
    now = now or timezone.now()
    zone = ZoneInfo(settings.DEFAULT_PERSON_TIME_ZONE)
    results = []
    for forecast in Forecast.objects.order_by("-starts_at")[:limit]:
        month = CostPeriod.build_month(forecast.starts_at.astimezone(zone).date(), zone)
        total = read_spending(month, now=now).total
        results.append(
            ForecastResult(
                forecast=forecast,
                month=month,
                microdollars=total.microdollars,
                questions=total.calls,
                is_over=forecast.ends_at <= now,
            )
        )
    return results
