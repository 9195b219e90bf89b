"""How what is left of a budget goes down to its period's end: a line for a chart, and the rows of its table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from budgets.costs import UNITS, Unit
from budgets.models import Budget
from budgets.pace import find_exhaustion, is_early
from budgets.periods import OpenPeriod, list_latest_periods
from kit.sql import read_sql

BURN_DOWN = read_sql(__file__, "burn_down")
# A day is shown by the hour, a week and a month by the day.
LONGEST_BY_HOUR = timedelta(hours=26)
# The chart's size, in the units of its viewBox.
WIDTH, HEIGHT = 640, 200


@dataclass(frozen=True)
class BurnDownStep:
    """What was used in an hour or a day that begins at `at`, and what was left after it."""

    at: datetime
    used: int
    left: int


@dataclass(frozen=True)
class BurnDown:
    """A period's way from its limit to what is left now, in `unit`.

    `used` includes what is held now. `runs_out_at` is when nothing is left at this pace, if that is before the end.
    """

    unit: Unit
    granted: int
    used: int
    starts_at: datetime
    ends_at: datetime
    now: datetime
    by_hour: bool
    steps: Sequence[BurnDownStep]
    runs_out_at: datetime | None

    @property
    def is_early(self) -> bool:
        """Whether too little of the period is over to say how long it lasts."""
        return is_early(starts_at=self.starts_at, ends_at=self.ends_at, now=self.now)

    @property
    def left(self) -> int:
        return self.granted - self.used

    @property
    def points(self) -> str:
        """The line from the period's start to now, as the points of an SVG polyline."""
        points = [(self.starts_at, self.granted)]
        for step in self.steps:
            points += [(max(step.at, self.starts_at), points[-1][1]), (self._end_of(step), step.left)]
        points.append((self.now, self.left))
        return " ".join(f"{self._x(at):.1f},{self._y(left):.1f}" for at, left in points)

    @property
    def projection(self) -> str:
        """The line from now on at this pace, to where it runs out or the period ends."""
        elapsed = self.now - self.starts_at
        ends_at, left = self.ends_at, 0
        if self.runs_out_at:
            ends_at = self.runs_out_at
        elif elapsed > timedelta():
            left = self.granted - round(self.used * ((self.ends_at - self.starts_at) / elapsed))
        ends = (self._x(ends_at), self._y(max(0, left)))
        return f"{self._x(self.now):.1f},{self._y(self.left):.1f} {ends[0]:.1f},{ends[1]:.1f}"

    @property
    def even(self) -> str:
        """The line that uses the same in each hour and ends with the period."""
        return f"0,{self._y(self.granted):.1f} {WIDTH},{self._y(0):.1f}"

    @property
    def now_x(self) -> str:
        return f"{self._x(self.now):.1f}"

    def _end_of(self, step: BurnDownStep) -> datetime:
        length = timedelta(hours=1) if self.by_hour else timedelta(days=1)
        return min(step.at + length, self.now)

    def _x(self, at: datetime) -> float:
        return WIDTH * min(1.0, max(0.0, (at - self.starts_at) / (self.ends_at - self.starts_at)))

    def _y(self, left: int) -> float:
        return HEIGHT * (1 - left / self.granted) if self.granted else float(HEIGHT)


def build_burn_downs(budget: Budget, *, now: datetime | None = None) -> list[BurnDown]:
    """Return the burn-down of each limited unit of a budget's open period; none if it has none. Two queries."""
    now = now or timezone.now()
    opened = next(iter(list_latest_periods([budget])), None)
    if opened is None or not opened.rows[0].is_open(now):
        return []
    units = [unit for unit in UNITS if opened.is_limited(unit) and opened.sum("granted", unit)]
    if not units:
        return []
    by_hour = opened.ends_at - opened.starts_at <= LONGEST_BY_HOUR
    used = _read_use(opened, by_hour=by_hour)
    return [_build(opened, unit, used, now, by_hour=by_hour) for unit in units]


def _read_use(opened: OpenPeriod, *, by_hour: bool) -> list[tuple[datetime, dict[Unit, int]]]:
    values = {
        "bucket": "hour" if by_hour else "day",
        "zone": str(opened.budget.zone),
        "starts_at": opened.starts_at,
        "ends_at": opened.ends_at,
        "scope": opened.budget.scope,
        "periods": [row.pk for row in opened.rows],
    }
    with connection.cursor() as cursor:
        cursor.execute(BURN_DOWN, values)
        return [(at, {"tokens": tokens, "microdollars": money}) for at, tokens, money in cursor.fetchall()]


def _build(
    opened: OpenPeriod,
    unit: Unit,
    used: Sequence[tuple[datetime, dict[Unit, int]]],
    now: datetime,
    *,
    by_hour: bool,
) -> BurnDown:
    granted, left = opened.sum("granted", unit), opened.sum("granted", unit)
    steps = []
    for at, amounts in used:
        left -= amounts[unit]
        steps.append(BurnDownStep(at, amounts[unit], left))
    spent = opened.sum("spent", unit)
    return BurnDown(
        unit=unit,
        granted=granted,
        used=opened.used(unit),
        starts_at=opened.starts_at,
        ends_at=opened.ends_at,
        now=min(now, opened.ends_at),
        by_hour=by_hour,
        steps=steps,
        runs_out_at=find_exhaustion(
            spent=spent, limit=granted, starts_at=opened.starts_at, ends_at=opened.ends_at, now=now
        ),
    )
