"""A budget's day: from seven in the morning to seven in the morning, where its person lives."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# Not midnight: a budget that refills at midnight rewards staying up.
DAY_BEGINS = time(7)
# A change of the clocks shortens a day by two hours at most (Troll station); what is shorter still was cut.
WHOLE_DAY = timedelta(hours=22)


@dataclass(frozen=True)
class Day:
    """Aware datetimes, in UTC. The end is no part of the day."""

    starts_at: datetime
    ends_at: datetime

    def share_of(self, daily_tokens: int) -> int:
        """What an allowance of tokens a day grants this day: all of it, or its part of a day that was cut."""
        length = self.ends_at - self.starts_at
        return daily_tokens if length >= WHOLE_DAY else daily_tokens * length // timedelta(days=1)


def day_at(now: datetime, zone: ZoneInfo, *, after: datetime | None = None) -> Day:
    """The day that `now` lies in, for somebody in `zone`. It lasts 23 or 25 hours when the clocks change.

    `after` is when the day before ended. A person who moved west finds it later than this morning's seven
    o'clock: the new day is then cut to begin there, and grants its part only, so that hopping from zone to
    zone never gains a day.
    """
    local = now.astimezone(zone)
    today = local.date() if local.time() >= DAY_BEGINS else local.date() - timedelta(days=1)
    starts_at = _morning(today, zone)
    ends_at = _morning(today + timedelta(days=1), zone)
    return Day(max(starts_at, after) if after else starts_at, ends_at)


def _morning(on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(on, DAY_BEGINS, tzinfo=zone).astimezone(UTC)
