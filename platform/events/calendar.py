"""Events as calendar files (RFC 5545). For invitations see `itip`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.utils import timezone

from events.models import Event
from events.vtimezone import build_vtimezone, to_calendar_time
from kit.lazy import lazy_module
from kit.site import build_absolute_url, get_site_host

if TYPE_CHECKING:
    import icalendar
else:
    icalendar = lazy_module("icalendar")

CONTENT_TYPE = "text/calendar; method=PUBLISH; charset=utf-8"
type CalendarEntries = Sequence[tuple[Event, icalendar.Event]]
# How often calendar apps should refresh a feed.
REFRESH_INTERVAL = timedelta(hours=6)
_PRODID = "-//Kitchen Table//Events//EN"


def calendar_filename(event: Event) -> str:
    """Return the name of an event's calendar file."""
    return f"{event.slug}.ics"


def build_calendar_file(event: Event, *, now: datetime | None = None) -> str:
    """Build an event's calendar file. Raises ValueError if the event's length is not known.

    The UID never changes, so a second download replaces the first.
    """
    return render_calendar("PUBLISH", [(event, build_public_entry(event, now=now))])


def build_public_entry(event: Event, *, now: datetime | None = None) -> "icalendar.Event":
    """Build an event's public entry, with its page and no attendees. Raises ValueError as `build_entry`."""
    page = build_absolute_url(event.get_absolute_url())
    entry = build_entry(event, now=now)
    entry.add("UID", f"event-{event.pk}@{get_site_host()}")
    entry.add("DESCRIPTION", f"{event.text.summary}\n\n{page}")
    entry.add("LOCATION", page)
    entry.add("URL", page)
    return entry


def build_entry(event: Event, *, now: datetime | None = None) -> "icalendar.Event":
    """Build an entry with the event's times, title and revision. Raises ValueError if its length is not known."""
    if event.ends_at is None:
        raise ValueError("A calendar entry needs an end.")
    entry = icalendar.Event()
    entry.add("SEQUENCE", event.sequence)
    entry.add("DTSTAMP", now or timezone.now())
    entry.add("DTSTART", to_calendar_time(event.starts_at, event.zone))
    entry.add("DTEND", to_calendar_time(event.ends_at, event.zone))
    entry.add("SUMMARY", event.text.title)
    return entry


def render_calendar(method: str, entries: CalendarEntries, *, name: str = "") -> str:
    """Render a calendar with its entries and the time zones that they use. A feed also has a `name`."""
    calendar = icalendar.Calendar()
    calendar.add("PRODID", _PRODID)
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", method)
    if name:
        # NAME is the standard (RFC 7986); many calendar apps only know X-WR-CALNAME.
        calendar.add("NAME", name)
        calendar.add("X-WR-CALNAME", name)
        calendar.add("REFRESH-INTERVAL", REFRESH_INTERVAL, parameters={"VALUE": "DURATION"})
    for _event, entry in entries:
        calendar.add_component(entry)
    # UTC times carry no TZID and need no time zone component.
    for tzid in sorted(calendar.get_missing_tzids(), reverse=True):
        moments = [event.starts_at for event, _entry in entries if event.time_zone == tzid]
        calendar.subcomponents.insert(0, build_vtimezone(ZoneInfo(tzid), moments))
    return str(calendar.to_ical().decode())
