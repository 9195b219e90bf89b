"""What was spent, by day, model, plan and memory: sums of usage records, which equal those of the ledger's entries.

One query reads a table of sums with a row for each combination, and every figure is summed from it. So the tables of a
page always agree with each other.

Summing 100,000 records takes PostgreSQL 200 ms. So a process keeps the sums of the days that are over. Records never
change and are never deleted, so kept sums are right as long as their number, tokens and micro-dollars are the same,
which is checked each time.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from operator import attrgetter
from typing import Any, Self
from zoneinfo import ZoneInfo

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from budgets.models import UsageRecord

# A longer period would have too many days for a chart, and nothing in it changes any more.
MAX_DAYS = 366


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """How many calls to a model there were, their tokens and their micro-dollars, by part.

    The answer is what is not the prompt. Memory and cached tokens are parts of the prompt.
    """

    calls: int = 0
    tokens: int = 0
    prompt_tokens: int = 0
    question_tokens: int = 0
    memory_tokens: int = 0
    cached_tokens: int = 0
    microdollars: int = 0
    prompt_microdollars: int = 0
    memory_microdollars: int = 0

    def __add__(self, other: "Amounts") -> "Amounts":
        return add_amounts((self, other))

    @property
    def answer_tokens(self) -> int:
        return self.tokens - self.prompt_tokens

    @property
    def answer_microdollars(self) -> int:
        return self.microdollars - self.prompt_microdollars

    @property
    def other_prompt_tokens(self) -> int:
        """The tokens of the prompt without memory: instructions, lessons and the question."""
        return self.prompt_tokens - self.memory_tokens

    @property
    def other_prompt_microdollars(self) -> int:
        return self.prompt_microdollars - self.memory_microdollars


NOTHING = Amounts()
AMOUNT_FIELDS = tuple(field.name for field in fields(Amounts) if field.name != "calls")
_get_amounts = attrgetter("calls", *AMOUNT_FIELDS)


@dataclass(frozen=True, kw_only=True)
class SpendingRow(Amounts):
    """The sums of one combination. `plan_id` is None for Free."""

    day: date
    model: str
    is_local: bool
    plan_id: int | None
    memory_policy: str
    is_absorbed: bool


DIMENSIONS = ("day", "model", "is_local", "plan_id", "memory_policy", "is_absorbed")


@dataclass(frozen=True)
class CostPeriod:
    """Whole days in a time zone, from `first` to `last`."""

    first: date
    last: date
    zone: ZoneInfo

    @classmethod
    def build_month(cls, day: date, zone: ZoneInfo) -> Self:
        """Return the calendar month that contains a day."""
        first = day.replace(day=1)
        return cls(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1), zone)

    @property
    def starts_at(self) -> datetime:
        return datetime.combine(self.first, time(), tzinfo=self.zone)

    @property
    def ends_at(self) -> datetime:
        """The end, which is not part of the period."""
        return datetime.combine(self.last + timedelta(days=1), time(), tzinfo=self.zone)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def list_days(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range(self.days)]

    def build_previous_month(self) -> "CostPeriod":
        """Return the calendar month before the one in which this period begins."""
        return CostPeriod.build_month(self.first.replace(day=1) - timedelta(days=1), self.zone)


@dataclass(frozen=True)
class Spending:
    """What was spent in a period."""

    period: CostPeriod
    rows: tuple[SpendingRow, ...]
    # How many people used the tutor.
    people: int

    @property
    def total(self) -> Amounts:
        return add_amounts(self.rows)

    def sum_where(self, is_wanted: Callable[[SpendingRow], bool]) -> Amounts:
        return add_amounts(row for row in self.rows if is_wanted(row))

    def group_by[K](self, key: Callable[[SpendingRow], K]) -> dict[K, Amounts]:
        """Return the sums by `key`, the most expensive first."""
        groups: dict[K, list[SpendingRow]] = {}
        for row in self.rows:
            groups.setdefault(key(row), []).append(row)
        sums = [(group, add_amounts(rows)) for group, rows in groups.items()]
        return dict(sorted(sums, key=lambda item: (-item[1].microdollars, -item[1].tokens, str(item[0]))))

    def iterate_days(self) -> Iterator[tuple[date, Amounts]]:
        """Yield each day of the period with its sums, in order, also those without any use."""
        by_day = self.group_by(lambda row: row.day)
        for day in self.period.list_days():
            yield day, by_day.get(day, NOTHING)


def add_amounts(amounts: Iterable[Amounts]) -> Amounts:
    columns = zip(*map(_get_amounts, amounts), strict=True)
    return Amounts(**dict(zip(("calls", *AMOUNT_FIELDS), map(sum, columns), strict=False)))


@dataclass(frozen=True)
class _Sums:
    """The sums of a stretch of time, and whose budgets were used in it."""

    rows: tuple[SpendingRow, ...]
    budget_ids: frozenset[int]

    @property
    def check(self) -> tuple[int, int, int]:
        total = add_amounts(self.rows)
        return total.calls, total.tokens, total.microdollars


# The sums of days that are over, by their first and last day and zone; the oldest are dropped.
_kept: OrderedDict[CostPeriod, _Sums] = OrderedDict()
MAX_KEPT = 24


def read_spending(period: CostPeriod, *, now: datetime | None = None) -> Spending:
    """Read what was spent in a period. Uses at most five queries, and three once the past is kept."""
    now = now or timezone.now()
    today = now.astimezone(period.zone).date()
    last_over = min(period.last, today - timedelta(days=1))
    parts = []
    if period.first <= last_over:
        parts.append(_read_over(replace(period, last=last_over)))
    if today <= period.last:
        parts.append(_read_sums(replace(period, first=max(period.first, today))))
    rows = tuple(row for part in parts for row in part.rows)
    return Spending(period, rows, len(frozenset[int]().union(*(part.budget_ids for part in parts))))


def forget_kept_sums() -> None:
    """Read the sums of past days again. For tests, which undo what they wrote."""
    _kept.clear()


def _read_over(period: CostPeriod) -> _Sums:
    """Return the sums of days that are over, as kept by this process if they are still right."""
    kept = _kept.get(period)
    if kept is None or kept.check != _read_check(period):
        kept = _kept[period] = _read_sums(period)
        while len(_kept) > MAX_KEPT:
            _kept.popitem(last=False)
    return kept


def _read_check(period: CostPeriod) -> tuple[int, int, int]:
    found = _filter_records(period).aggregate(
        calls=Count("*"), tokens=Sum("tokens", default=0), microdollars=Sum("microdollars", default=0)
    )
    return found["calls"], int(found["tokens"]), int(found["microdollars"])


def _read_sums(period: CostPeriod) -> _Sums:
    sums = (
        _filter_records(period)
        .annotate(day=TruncDate("at", tzinfo=period.zone))
        .values(*DIMENSIONS)
        .annotate(calls=Count("*"), **{f"sum_{name}": Sum(name) for name in AMOUNT_FIELDS})
        .order_by(*DIMENSIONS)
    )
    rows = [_build_row(row) for row in sums]
    budgets = _filter_records(period).values_list("budget", flat=True).distinct()
    return _Sums(tuple(rows), frozenset(budgets) if rows else frozenset())


def _build_row(row: Mapping[str, Any]) -> SpendingRow:
    # PostgreSQL's sum of whole numbers is a decimal.
    values: dict[str, Any] = {name: int(row[f"sum_{name}"]) for name in AMOUNT_FIELDS}
    return SpendingRow(calls=row["calls"], **{name: row[name] for name in DIMENSIONS}, **values)


def _filter_records(period: CostPeriod) -> QuerySet[UsageRecord]:
    return UsageRecord.objects.filter(at__gte=period.starts_at, at__lt=period.ends_at)
