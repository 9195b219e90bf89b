"""Quiet hours as intervals of time on the clock of an agreement, whatever its clocks do. Pure.

Where the clocks skip the time at which quiet hours begin or end, that is as the clocks go on. Where they show it
twice, quiet hours begin at the first and end at the last, so that they never open and close again in one night.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class QuietHours:
    """One agreement's, on the clock of `zone`; they hold from `since` on, and before `before`."""

    begins: time
    ends: time
    zone: ZoneInfo
    since: datetime | None = None
    before: datetime | None = None

    def intervals(self, around: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The quiet hours of the days around an instant, in UTC and in order; the end is no part of one."""
        today = around.astimezone(self.zone).date()
        for days in range(-2, 3):
            day = today + timedelta(days=days)
            last_day = day if self.begins < self.ends else day + _DAY
            begins = get_first_instant(datetime.combine(day, self.begins), self.zone)
            ends = get_last_instant(datetime.combine(last_day, self.ends), self.zone)
            begins, ends = max(begins, self.since or begins), min(ends, self.before or ends)
            if begins < ends:
                yield begins, ends

    def end_at(self, now: datetime) -> datetime | None:
        """When the stretch that `now` lies in ends; None when it lies in none."""
        return max((ends for begins, ends in self.intervals(now) if begins <= now < ends), default=None)


@dataclass(frozen=True)
class QuietEnd:
    """When the tutor opens again, and the clock by which it does."""

    at: datetime
    zone: ZoneInfo


def find_quiet_end(agreed: Sequence[QuietHours], *, now: datetime) -> QuietEnd | None:
    """When the quiet hours that hold at `now` end, those that follow without a gap included; None when none hold."""
    found, moment = None, now
    # Stretches of several agreements may join; a day has room for each of them twice.
    for _round in range(2 * len(agreed)):
        ends = [QuietEnd(end, quiet.zone) for quiet in agreed if (end := quiet.end_at(moment))]
        if not ends:
            break
        found = max(ends, key=lambda end: end.at)
        moment = found.at
    return found


def get_new_zone_start(*, day_after: datetime, zone: ZoneInfo, quiet: QuietHours | None) -> datetime:
    """When a new zone counts: with the day after `day_after` on the old clock, and not before that night is over."""
    tomorrow = day_after.astimezone(zone).date() + _DAY
    midnight = get_first_instant(datetime.combine(tomorrow, time()), zone)
    return (replace(quiet, before=None).end_at(midnight) if quiet else None) or midnight


def get_first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which a clock in `zone` has reached `wall`, which has no zone of its own; in UTC."""
    return _find_instant(wall, zone, is_last=False)


def get_last_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """As first_at, but where the clock shows `wall` twice, the second time."""
    return _find_instant(wall, zone, is_last=True)


def _find_instant(wall: datetime, zone: ZoneInfo, *, is_last: bool) -> datetime:
    before_change, after_change = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if before_change <= after_change:
        return after_change if is_last else before_change
    # The clocks skip it (PEP 495 counts then from either side): find the instant at which they do.
    early, late = after_change, before_change
    old = early.astimezone(zone).utcoffset()
    while late - early > _SECOND:
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == old:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)
