"""Times on the pages: as people say them, and for machines beside it."""

from zoneinfo import ZoneInfo

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.models import Person
from events.models import Event
from events.when import clock_said, day_said, same_clock, time_said

register = template.Library()


@register.simple_tag
def event_when(event: Event, reader: object = None) -> SafeString:
    """When an event begins, in its own zone; for a signed-in reader whose clock differs, on theirs too."""
    own = _time(event, event.zone, time_said(event.starts_at, event.zone))
    if not isinstance(reader, Person) or same_clock(event.starts_at, event.zone, reader.zone):
        return own
    theirs = _time(event, reader.zone, time_said(event.starts_at, reader.zone))
    return format_html('{} <span class="event-yours">{}</span>', own, format_html(_("For you: {}"), theirs))


@register.simple_tag
def event_day(event: Event) -> SafeString:
    """The day of an event, in its own zone."""
    return _time(event, event.zone, day_said(event.starts_at, event.zone))


def _time(event: Event, zone: ZoneInfo, words: str) -> SafeString:
    local = event.starts_at.astimezone(zone)
    # A line never ends between "11" and "a.m.".
    clock = clock_said(event.starts_at, zone)
    words = words.replace(clock, clock.replace(" ", "\N{NO-BREAK SPACE}"))
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), words)
