"""An event as a calendar file: RFC 5545, with the true clock changes of its zone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone
from icalendar import Calendar, Timezone, TimezoneDaylight, TimezoneStandard
from icalendar import Event as Entry

from events.addresses import absolute, host
from events.models import Event

CONTENT_TYPE = "text/calendar; method=PUBLISH; charset=utf-8"
_PRODID = "-//Kitchen Table//Events//EN"
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


def calendar_name(event: Event) -> str:
    """The name of its file."""
    return f"{event.slug}.ics"


def calendar_file(event: Event, *, now: datetime | None = None) -> str:
    """The calendar file of an event whose length is known; ValueError for another.

    Its UID stays the same whatever is edited, so that a second download replaces the first.
    """
    if event.ends_at is None:
        raise ValueError("A calendar entry needs an end.")
    page = absolute(event.get_absolute_url())
    entry = Entry()
    entry.add("UID", f"event-{event.pk}@{host()}")
    entry.add("SEQUENCE", 0)
    entry.add("DTSTAMP", now or timezone.now())
    entry.add("DTSTART", event.starts_local)
    entry.add("DTEND", event.ends_at.astimezone(event.zone))
    entry.add("SUMMARY", event.title)
    entry.add("DESCRIPTION", f"{event.summary}\n\n{page}")
    entry.add("LOCATION", page)
    entry.add("URL", page)
    calendar = Calendar()
    calendar.add("PRODID", _PRODID)
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", "PUBLISH")
    calendar.add_component(entry)
    # UTC needs no rules, and its times carry no TZID.
    for tzid in sorted(calendar.get_missing_tzids()):
        calendar.subcomponents.insert(0, _clock_of(tzid, event))
    return str(calendar.to_ical().decode())


def _clock_of(tzid: str, event: Event) -> Timezone:
    """The zone's rules for the event's year.

    Not icalendar's own: 7.3 starts a zone's summer an hour late, on the clock after the change instead of
    the one before, which is what RFC 5545 asks of DTSTART.
    """
    zone, year = event.zone, event.starts_local.year
    # Wide enough for wherever the year begins first and ends last.
    first, last = datetime(year - 1, 12, 30, tzinfo=UTC), datetime(year + 1, 1, 3, tzinfo=UTC)
    # What holds when the year begins, and then each change in it.
    moments = [first, *_changes(zone, first, last)]
    standard = min(_offset(zone, moment) for moment in moments)
    clock = Timezone()
    clock.add("TZID", tzid)
    for moment in moments:
        before, after = _offset(zone, moment - _SECOND), _offset(zone, moment)
        rule = TimezoneDaylight() if after > standard else TimezoneStandard()
        rule.add("DTSTART", moment.replace(tzinfo=None) + before)
        rule.add("TZOFFSETFROM", before)
        rule.add("TZOFFSETTO", after)
        rule.add("TZNAME", moment.astimezone(zone).tzname() or "")
        clock.add_component(rule)
    return clock


def _changes(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[datetime]:
    """Every instant between two at which the zone's offset changes."""
    while first < last:
        following = first + _DAY
        if _offset(zone, first) != _offset(zone, following):
            yield _change_between(zone, first, following)
        first = following


def _change_between(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    old = _offset(zone, before)
    while after - before > _SECOND:
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if _offset(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
