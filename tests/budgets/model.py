"""A model of the ledger in plain Python, without locks, shards or entries. The real one must behave the same."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from budgets.calendar import PeriodBounds, PeriodLength, compute_period_bounds
from budgets.costs import UNITS, Unit

type Amounts = dict[Unit, int]
type Limits = dict[Unit, int | None]


def zero() -> Amounts:
    return {"tokens": 0, "microdollars": 0}


@dataclass
class ModelGrant:
    number: int
    expires_at: datetime
    left: Amounts


@dataclass
class ModelPeriod:
    span: PeriodBounds
    limited: dict[Unit, bool]
    granted: Amounts
    given: Amounts = field(default_factory=zero)
    spent: Amounts = field(default_factory=zero)
    holds: dict[UUID, Amounts] = field(default_factory=dict)
    grants: list[ModelGrant] = field(default_factory=list)

    def held(self, unit: Unit) -> int:
        return sum(amounts[unit] for amounts in self.holds.values())

    def used(self, unit: Unit) -> int:
        return self.spent[unit] + self.held(unit)

    def left(self, unit: Unit) -> int:
        return self.granted[unit] - self.used(unit)

    def count(self, grant: ModelGrant) -> None:
        self.grants = sorted([*self.grants, grant], key=lambda kept: (kept.expires_at, kept.number))
        for unit in UNITS:
            self.granted[unit] += grant.left[unit]
            self.given[unit] += grant.left[unit]

    def book(self) -> None:
        """Subtract this period's use beyond its allowance from the grants, in the order of their expiry."""
        for unit in UNITS:
            beyond = self.used(unit) - self.granted[unit] + sum(grant.left[unit] for grant in self.grants)
            for grant in self.grants:
                used = max(0, min(beyond, grant.left[unit])) if self.limited[unit] else 0
                beyond -= used
                grant.left[unit] -= used

    def withdraw_expired(self, now: datetime) -> None:
        while self.grants and self.grants[0].expires_at <= now:
            first = self.grants[0]
            for unit in UNITS:
                beyond = self.used(unit) - self.granted[unit] + sum(grant.left[unit] for grant in self.grants)
                used = max(0, min(beyond, first.left[unit])) if self.limited[unit] else 0
                self.granted[unit] -= first.left[unit] - used
                self.given[unit] -= first.left[unit] - used
            self.grants.pop(0)


@dataclass
class ModelBudget:
    limits: Limits
    period_length: PeriodLength
    zone: ZoneInfo
    period: ModelPeriod | None = None
    waiting: list[ModelGrant] = field(default_factory=list)
    earlier: list[ModelPeriod] = field(default_factory=list)

    def opened(self, now: datetime) -> ModelPeriod:
        """Return the period at `now`, as the next hold will find it."""
        if self.period is None or now >= self.period.span.ends_at:
            self._begin(now)
        assert self.period
        self.period.withdraw_expired(now)
        return self.period

    def _begin(self, now: datetime) -> None:
        last = self.period
        self._book()
        if last:
            self.earlier.append(last)
        span = compute_period_bounds(
            now, self.zone, period_length=self.period_length, after=last.span.ends_at if last else None
        )
        self.period = ModelPeriod(
            span,
            {unit: self.limits[unit] is not None for unit in UNITS},
            self._allowance(span, now),
        )
        for grant in self.waiting:
            if grant.expires_at > now:
                self.period.count(grant)
        self.waiting = []

    def _allowance(self, span: PeriodBounds, now: datetime) -> Amounts:
        """Return the part of the allowance, and never more than earlier periods of the same day, week or month left."""
        natural = compute_period_bounds(now, self.zone, period_length=self.period_length).starts_at
        allowance: Amounts = {}
        for unit in UNITS:
            whole = self.limits[unit] or 0
            used = 0
            for period in self.earlier:
                if natural <= period.span.starts_at < span.starts_at:
                    allowed = max(0, period.granted[unit] - period.given[unit])
                    used += min(period.used(unit), allowed) if period.limited[unit] else period.used(unit)
            late = span.starts_at > natural
            allowance[unit] = min(span.prorate(whole), max(0, whole - used)) if late else span.prorate(whole)
        return allowance

    def _book(self) -> None:
        if self.period:
            self.period.book()
            self.waiting += [grant for grant in self.period.grants if any(grant.left.values())]
            self.period.grants = []

    def is_open(self, now: datetime) -> bool:
        return self.period is not None and now < self.period.span.ends_at

    def give(self, grant: ModelGrant, now: datetime) -> None:
        if self.period and self.is_open(now):
            self.period.withdraw_expired(now)
            self.period.count(grant)
        else:
            self.waiting.append(grant)

    def expire(self, now: datetime) -> None:
        if self.period and self.is_open(now):
            self.period.withdraw_expired(now)
        elif any(
            grant.expires_at <= now for grant in [*self.waiting, *(self.period.grants if self.period else ())]
        ):
            self._book()
        self.waiting = [grant for grant in self.waiting if grant.expires_at > now]

    def allow(self, limits: Limits, period_length: PeriodLength, now: datetime) -> None:
        self.limits, self.period_length = limits, period_length
        if not self.period or not self.is_open(now):
            return
        span = self.period.span
        today = compute_period_bounds(now, self.zone, period_length=period_length)
        if span.ends_at - span.starts_at > today.full_length + timedelta(hours=2):
            # A month does not go on for someone who gets days from now on.
            ends_at = min(span.ends_at, max(now, span.starts_at + timedelta(microseconds=1)))
            self.period.span = replace(span, ends_at=ends_at)
            self._begin(max(now, ends_at))
            return
        whole = compute_period_bounds(span.starts_at, self.zone, period_length=period_length).full_length
        share = self._allowance(PeriodBounds(span.starts_at, span.ends_at, whole), span.starts_at)
        for unit in UNITS:
            total = share[unit] + self.period.given[unit]
            self.period.limited[unit] = limits[unit] is not None
            self.period.granted[unit] = (
                max(total, self.period.used(unit)) if self.period.limited[unit] else total
            )
