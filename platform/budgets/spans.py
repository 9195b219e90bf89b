"""How long a budget's period is: a day, a week or a month, from seven in the morning, where the budget is at home."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext_lazy as _

# Not midnight: a budget that refills at midnight rewards staying up.
DAY_BEGINS = time(7)


class Length(models.TextChoices):
    DAY = "day", _("a day")
    WEEK = "week", _("a week, from Monday on")
    MONTH = "month", _("a month, from the 1st on")


# How many days an allowance is for, where a day's part of it is asked for: never more than the whole gives.
DAYS = {Length.DAY: 1, Length.WEEK: 7, Length.MONTH: 31}


@dataclass(frozen=True)
class Span:
    """Aware datetimes, in UTC; the end is no part of it.

    `whole` is how long it lasts when nothing cuts it: for a day 23 hours where the clocks go forward in it.
    """

    starts_at: datetime
    ends_at: datetime
    whole: timedelta

    def share_of(self, allowance: int) -> int:
        """What an allowance for a whole span grants this one: all of it, or its part of one that was cut."""
        lasts = self.ends_at - self.starts_at
        return allowance if lasts >= self.whole else allowance * lasts // self.whole


def span_at(now: datetime, zone: ZoneInfo, *, length: Length, after: datetime | None = None) -> Span:
    """The span that `now` lies in, for a budget in `zone`. A day lasts 23 or 25 hours when the clocks change.

    `after` is when the span before ended. Where that is later than the natural beginning (somebody moved west,
    or went from days to months), the new span is cut to begin there, and grants its part only, so that hopping
    from zone to zone or from plan to plan never gains an allowance.
    """
    local = now.astimezone(zone)
    today = local.date() if local.time() >= DAY_BEGINS else local.date() - timedelta(days=1)
    first, following = _first_days(today, length)
    starts_at, ends_at = _morning(first, zone), _morning(following, zone)
    return Span(max(starts_at, after) if after else starts_at, ends_at, ends_at - starts_at)


def _first_days(today: date, length: Length) -> tuple[date, date]:
    if length == Length.WEEK:
        monday = today - timedelta(days=today.weekday())
        return monday, monday + timedelta(days=7)
    if length == Length.MONTH:
        first = today.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1)
    return today, today + timedelta(days=1)


def _morning(on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(on, DAY_BEGINS, tzinfo=zone).astimezone(UTC)
