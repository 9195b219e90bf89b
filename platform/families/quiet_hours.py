"""Quiet hours as intervals of time in an agreement's zone, including clock changes. Pure.

If the clocks skip the start or end of quiet hours, it moves to the moment after the jump. If they show it twice, quiet
hours start at the first and end at the last, so that they never open and close again in one night.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class QuietHours:
    """The quiet hours of one agreement, on the clock of `zone`, valid from `since` and before `before`."""

    begins: time
    ends: time
    zone: ZoneInfo
    since: datetime | None = None
    before: datetime | None = None

    def list_intervals(self, around: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the quiet hours of the days around an instant, in UTC and in order. Ends are exclusive."""
        today = around.astimezone(self.zone).date()
        for days in range(-2, 3):
            day = today + timedelta(days=days)
            last_day = day if self.begins < self.ends else day + _DAY
            begins = get_first_instant(datetime.combine(day, self.begins), self.zone)
            ends = get_last_instant(datetime.combine(last_day, self.ends), self.zone)
            begins, ends = max(begins, self.since or begins), min(ends, self.before or ends)
            if begins < ends:
                yield begins, ends

    def find_end(self, now: datetime) -> datetime | None:
        """Return when the interval that contains `now` ends, or None."""
        return max((ends for begins, ends in self.list_intervals(now) if begins <= now < ends), default=None)


@dataclass(frozen=True)
class QuietEnd:
    """When the tutor opens again, and the zone of that time."""

    at: datetime
    zone: ZoneInfo


def find_quiet_end(agreed: Sequence[QuietHours], *, now: datetime) -> QuietEnd | None:
    """Return when the current quiet hours end, including intervals that follow without a gap, or None."""
    latest, moment = None, now
    # Intervals of several agreements may adjoin; each agreement has at most two a day.
    for _round in range(2 * len(agreed)):
        ends = [QuietEnd(end, quiet.zone) for quiet in agreed if (end := quiet.find_end(moment))]
        if not ends:
            break
        latest = max(ends, key=lambda end: end.at)
        moment = latest.at
    return latest


def get_new_zone_start(*, day_after: datetime, zone: ZoneInfo, quiet: QuietHours | None) -> datetime:
    """Return when a new zone starts: the day after `day_after` on the old clock, once that night's quiet hours end."""
    tomorrow = day_after.astimezone(zone).date() + _DAY
    midnight = get_first_instant(datetime.combine(tomorrow, time()), zone)
    return (replace(quiet, before=None).find_end(midnight) if quiet else None) or midnight


def get_first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant (UTC) at which a clock in `zone` has reached the naive time `wall`."""
    return _find_instant(wall, zone, is_last=False)


def get_last_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Like `get_first_instant`, but return the second time if the clock shows `wall` twice."""
    return _find_instant(wall, zone, is_last=True)


def _find_instant(wall: datetime, zone: ZoneInfo, *, is_last: bool) -> datetime:
    before_change, after_change = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if before_change <= after_change:
        return after_change if is_last else before_change
    # The clocks skip `wall` (see PEP 495): find the instant of the jump by bisection.
    early, late = after_change, before_change
    old = early.astimezone(zone).utcoffset()
    while late - early > _SECOND:
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == old:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)
