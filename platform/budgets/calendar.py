"""When a budget's period starts and ends: a day, week or month from 7 a.m. in the budget's time zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext_lazy as _

# Not midnight: a budget that refills at midnight rewards staying up.
DAY_STARTS_AT = time(7)


class PeriodLength(models.TextChoices):
    """How long a period is."""

    DAY = "day", _("a day")
    WEEK = "week", _("a week, starting Monday")
    MONTH = "month", _("a month, starting on the 1st")


# Days per period, to split an allowance into days. A month counts 31, so the days never exceed the whole.
DAYS_PER_PERIOD = {PeriodLength.DAY: 1, PeriodLength.WEEK: 7, PeriodLength.MONTH: 31}


@dataclass(frozen=True)
class PeriodBounds:
    """Aware datetimes in UTC. The end is exclusive.

    `full_length` is the length of a period that is not cut short. A day has 23 or 25 hours when clocks change.
    """

    starts_at: datetime
    ends_at: datetime
    full_length: timedelta

    def prorate(self, allowance: int) -> int:
        """Return what this period grants of an allowance: the whole, or a proportional part if it was cut short."""
        length = self.ends_at - self.starts_at
        return allowance if length >= self.full_length else allowance * length // self.full_length


def compute_period_bounds(
    now: datetime, zone: ZoneInfo, *, period_length: PeriodLength, after: datetime | None = None
) -> PeriodBounds:
    """Return the period that contains `now`, for a budget in `zone`.

    `after` is the end of the previous period. If it is later than the natural start (the person moved west, or went
    from days to months), the new period starts there and grants only a proportional part. So changing the time
    zone or plan never gains an allowance.
    """
    local = now.astimezone(zone)
    today = local.date() if local.time() >= DAY_STARTS_AT else local.date() - timedelta(days=1)
    first, following = _get_first_days(today, period_length)
    starts_at, ends_at = _get_day_start(first, zone), _get_day_start(following, zone)
    return PeriodBounds(max(starts_at, after) if after else starts_at, ends_at, ends_at - starts_at)


def _get_first_days(today: date, period_length: PeriodLength) -> tuple[date, date]:
    if period_length == PeriodLength.WEEK:
        monday = today - timedelta(days=today.weekday())
        return monday, monday + timedelta(days=7)
    if period_length == PeriodLength.MONTH:
        first = today.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1)
    return today, today + timedelta(days=1)


def _get_day_start(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, DAY_STARTS_AT, tzinfo=zone).astimezone(UTC)
