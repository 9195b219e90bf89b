"""Events as calendar files: RFC 5545, for whoever wants to take a date home. Invitations are `itip`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.utils import timezone

from events.models import Event
from events.vtimezone import clock_of, written
from kit.lazily import lazy_module
from kit.site import absolute, host

if TYPE_CHECKING:
    import icalendar
else:
    icalendar = lazy_module("icalendar")

CONTENT_TYPE = "text/calendar; method=PUBLISH; charset=utf-8"
type Entries = Sequence[tuple[Event, icalendar.Event]]
# How often a calendar program may ask again.
REFRESH = timedelta(hours=6)
_PRODID = "-//Kitchen Table//Events//EN"


def calendar_name(event: Event) -> str:
    """The name of its file."""
    return f"{event.slug}.ics"


def calendar_file(event: Event, *, now: datetime | None = None) -> str:
    """The calendar file of an event whose length is known; ValueError for another.

    Its UID stays the same whatever is edited, so that a second download replaces the first.
    """
    return calendar_text("PUBLISH", [(event, public_entry(event, now=now))])


def public_entry(event: Event, *, now: datetime | None = None) -> "icalendar.Event":
    """An event's entry for everybody: with its page, and without anybody in it."""
    page = absolute(event.get_absolute_url())
    entry = entry_of(event, now=now)
    entry.add("UID", f"event-{event.pk}@{host()}")
    entry.add("DESCRIPTION", f"{event.summary}\n\n{page}")
    entry.add("LOCATION", page)
    entry.add("URL", page)
    return entry


def entry_of(event: Event, *, now: datetime | None = None) -> "icalendar.Event":
    """What every entry of an event says: its times, its title, and which revision it is."""
    if event.ends_at is None:
        raise ValueError("A calendar entry needs an end.")
    entry = icalendar.Event()
    entry.add("SEQUENCE", event.sequence)
    entry.add("DTSTAMP", now or timezone.now())
    entry.add("DTSTART", written(event.starts_at, event.zone))
    entry.add("DTEND", written(event.ends_at, event.zone))
    entry.add("SUMMARY", event.title)
    return entry


def calendar_text(method: str, entries: Entries, *, name: str = "") -> str:
    """A whole calendar, with the rules of every zone that its entries name; with a name where one subscribes to it."""
    calendar = icalendar.Calendar()
    calendar.add("PRODID", _PRODID)
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", method)
    if name:
        # Twice: the standard's own, and the one that calendars knew before it (RFC 7986).
        calendar.add("NAME", name)
        calendar.add("X-WR-CALNAME", name)
        calendar.add("REFRESH-INTERVAL", REFRESH, parameters={"VALUE": "DURATION"})
    for _event, entry in entries:
        calendar.add_component(entry)
    # UTC needs no rules, and its times carry no TZID.
    for tzid in sorted(calendar.get_missing_tzids(), reverse=True):
        moments = [event.starts_at for event, _entry in entries if event.time_zone == tzid]
        calendar.subcomponents.insert(0, clock_of(ZoneInfo(tzid), moments))
    return str(calendar.to_ical().decode())
