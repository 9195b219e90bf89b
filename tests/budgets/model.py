"""The ledger on a page of plain Python: what the real one must do, without locks, shards or entries."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from budgets.needs import WHATS, What
from budgets.spans import Length, Span, span_at

type Amounts = dict[What, int]
type Limits = dict[What, int | None]


def nothing() -> Amounts:
    return {"tokens": 0, "microdollars": 0}


@dataclass
class ModelGrant:
    number: int
    expires_at: datetime
    left: Amounts


@dataclass
class ModelPeriod:
    span: Span
    limited: dict[What, bool]
    granted: Amounts
    given: Amounts = field(default_factory=nothing)
    spent: Amounts = field(default_factory=nothing)
    holds: dict[UUID, Amounts] = field(default_factory=dict)
    grants: list[ModelGrant] = field(default_factory=list)

    def held(self, what: What) -> int:
        return sum(amounts[what] for amounts in self.holds.values())

    def used(self, what: What) -> int:
        return self.spent[what] + self.held(what)

    def left(self, what: What) -> int:
        return self.granted[what] - self.used(what)

    def count(self, grant: ModelGrant) -> None:
        self.grants = sorted([*self.grants, grant], key=lambda one: (one.expires_at, one.number))
        for what in WHATS:
            self.granted[what] += grant.left[what]
            self.given[what] += grant.left[what]

    def book(self) -> None:
        """Take off each grant what this period has used beyond its allowance, in the order in which they expire."""
        for what in WHATS:
            beyond = self.used(what) - self.granted[what] + sum(one.left[what] for one in self.grants)
            for grant in self.grants:
                used = max(0, min(beyond, grant.left[what])) if self.limited[what] else 0
                beyond -= used
                grant.left[what] -= used

    def take_back(self, now: datetime) -> None:
        while self.grants and self.grants[0].expires_at <= now:
            first = self.grants[0]
            for what in WHATS:
                beyond = self.used(what) - self.granted[what] + sum(one.left[what] for one in self.grants)
                used = max(0, min(beyond, first.left[what])) if self.limited[what] else 0
                self.granted[what] -= first.left[what] - used
                self.given[what] -= first.left[what] - used
            self.grants.pop(0)


@dataclass
class ModelBudget:
    limits: Limits
    length: Length
    zone: ZoneInfo
    period: ModelPeriod | None = None
    waiting: list[ModelGrant] = field(default_factory=list)

    def opened(self, now: datetime) -> ModelPeriod:
        """The period of `now`, as the next hold will find it."""
        if self.period is None or now >= self.period.span.ends_at:
            self._begin(now)
        assert self.period
        self.period.take_back(now)
        return self.period

    def _begin(self, now: datetime) -> None:
        last = self.period
        self._book()
        span = span_at(now, self.zone, length=self.length, after=last.span.ends_at if last else None)
        self.period = ModelPeriod(
            span,
            {what: self.limits[what] is not None for what in WHATS},
            {what: span.share_of(self.limits[what] or 0) for what in WHATS},
        )
        for grant in self.waiting:
            if grant.expires_at > now:
                self.period.count(grant)
        self.waiting = []

    def _book(self) -> None:
        if self.period:
            self.period.book()
            self.waiting += [grant for grant in self.period.grants if any(grant.left.values())]
            self.period.grants = []

    def is_open(self, now: datetime) -> bool:
        return self.period is not None and now < self.period.span.ends_at

    def give(self, grant: ModelGrant, now: datetime) -> None:
        if self.period and self.is_open(now):
            self.period.take_back(now)
            self.period.count(grant)
        else:
            self.waiting.append(grant)

    def expire(self, now: datetime) -> None:
        if self.period and self.is_open(now):
            self.period.take_back(now)
        elif any(
            grant.expires_at <= now for grant in [*self.waiting, *(self.period.grants if self.period else ())]
        ):
            self._book()
        self.waiting = [grant for grant in self.waiting if grant.expires_at > now]

    def allow(self, limits: Limits, length: Length, now: datetime) -> None:
        self.limits, self.length = limits, length
        if not self.period or not self.is_open(now):
            return
        span = self.period.span
        whole = span_at(span.starts_at, self.zone, length=length).whole
        for what in WHATS:
            share = Span(span.starts_at, span.ends_at, whole).share_of(limits[what] or 0)
            total = share + self.period.given[what]
            self.period.limited[what] = limits[what] is not None
            self.period.granted[what] = (
                max(total, self.period.used(what)) if self.period.limited[what] else total
            )
