"""Build RFC 5545 VTIMEZONE components, with the clock changes of the years in question."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from kit.lazy import lazy_module

if TYPE_CHECKING:
    import icalendar
else:
    icalendar = lazy_module("icalendar")


_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


def to_calendar_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """Convert an instant to local time in `zone`, or to UTC if its local time is the second of two.

    When clocks go back, an ambiguous local time with a TZID means the first one (RFC 5545, 3.3.5), so the second has
    to be given in UTC.
    """
    local = moment.astimezone(zone)
    return moment.astimezone(UTC) if local.fold else local


def build_vtimezone(zone: ZoneInfo, moments: Iterable[datetime]) -> "icalendar.Timezone":
    """Build a zone's VTIMEZONE for the years of `moments`, which must not be empty.

    icalendar 7.3 has its own, but starts summer time an hour late: RFC 5545 wants DTSTART in the offset before the
    change.
    """
    years = [moment.astimezone(zone).year for moment in moments]
    # Wide enough for the first and last time zones to start and end a year.
    first, last = datetime(min(years) - 1, 12, 30, tzinfo=UTC), datetime(max(years) + 1, 1, 3, tzinfo=UTC)
    # The offset at the start, and then each change.
    changes = [first, *list_offset_changes(zone, first, last)]
    standard = min(_get_offset(zone, moment) for moment in changes)
    vtimezone = icalendar.Timezone()
    vtimezone.add("TZID", zone.key)
    for moment in changes:
        before, after = _get_offset(zone, moment - _SECOND), _get_offset(zone, moment)
        observance = icalendar.TimezoneDaylight() if after > standard else icalendar.TimezoneStandard()
        observance.add("DTSTART", moment.replace(tzinfo=None) + before)
        observance.add("TZOFFSETFROM", before)
        observance.add("TZOFFSETTO", after)
        observance.add("TZNAME", moment.astimezone(zone).tzname() or "")
        vtimezone.add_component(observance)
    return vtimezone


def list_offset_changes(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[datetime]:
    """Yield every instant between `first` and `last` at which the zone's offset changes."""
    while first < last:
        following = first + _DAY
        if _get_offset(zone, first) != _get_offset(zone, following):
            yield _find_change(zone, first, following)
        first = following


def _find_change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    old = _get_offset(zone, before)
    while after - before > _SECOND:
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if _get_offset(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after


def _get_offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
