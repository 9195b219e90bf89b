"""How long a budget's period is: a day, a week or a month, from seven in the morning, where the budget is at home."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext_lazy as _

# Not midnight: a budget that refills at midnight rewards staying up.
DAY_STARTS_AT = time(7)


class PeriodLength(models.TextChoices):
    DAY = "day", _("a day")
    WEEK = "week", _("a week, from Monday on")
    MONTH = "month", _("a month, from the 1st on")


# How many days an allowance is for, where a day's part of it is asked for: never more than the whole gives.
DAYS_PER_PERIOD = {PeriodLength.DAY: 1, PeriodLength.WEEK: 7, PeriodLength.MONTH: 31}


@dataclass(frozen=True)
class PeriodBounds:
    """Aware datetimes, in UTC; the end is no part of it.

    `whole` is how long it lasts when nothing cuts it: for a day 23 hours where the clocks go forward in it.
    """

    starts_at: datetime
    ends_at: datetime
    full_length: timedelta

    def share_of(self, allowance: int) -> int:
        """What an allowance for a whole span grants this one: all of it, or its part of one that was cut."""
        lasts = self.ends_at - self.starts_at
        return allowance if lasts >= self.full_length else allowance * lasts // self.full_length


def compute_period_bounds(
    now: datetime, zone: ZoneInfo, *, period_length: PeriodLength, after: datetime | None = None
) -> PeriodBounds:
    """The span that `now` lies in, for a budget in `zone`. A day lasts 23 or 25 hours when the clocks change.

    `after` is when the span before ended. Where that is later than the natural beginning (somebody moved west,
    or went from days to months), the new span is cut to begin there, and grants its part only, so that hopping
    from zone to zone or from plan to plan never gains an allowance.
    """
    local = now.astimezone(zone)
    today = local.date() if local.time() >= DAY_STARTS_AT else local.date() - timedelta(days=1)
    first, following = _first_days(today, period_length)
    starts_at, ends_at = _day_start(first, zone), _day_start(following, zone)
    return PeriodBounds(max(starts_at, after) if after else starts_at, ends_at, ends_at - starts_at)


def _first_days(today: date, period_length: PeriodLength) -> tuple[date, date]:
    if period_length == PeriodLength.WEEK:
        monday = today - timedelta(days=today.weekday())
        return monday, monday + timedelta(days=7)
    if period_length == PeriodLength.MONTH:
        first = today.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1)
    return today, today + timedelta(days=1)


def _day_start(on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(on, DAY_STARTS_AT, tzinfo=zone).astimezone(UTC)
