"""Times on the pages, as people say them and for machines beside it; and the language of an event's own words."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.models import Person
from events.models import Event
from events.times import format_clock_time, format_day, format_event_time, is_same_clock_time
from kit.languages import get_page_language

register = template.Library()


@register.simple_tag
def event_when(event: Event, reader: Person | ZoneInfo | object = None) -> SafeString:
    """When an event begins, in its own zone; for a reader whose clock differs, on theirs too.

    `reader` is a person or a zone. Of anybody else a script knows the clock, and has the words to say it with.
    """
    own = _time(event, event.zone, format_event_time(event.starts_at, event.zone))
    zone = reader.zone if isinstance(reader, Person) else reader
    said = _("For you: {}")
    if not isinstance(zone, ZoneInfo):
        return format_html('<span class="event-clock" data-said="{}">{}</span>', said, own)
    if is_same_clock_time(event.starts_at, event.zone, zone):
        return own
    theirs = _time(event, zone, format_event_time(event.starts_at, zone))
    return format_html('{} <span class="event-yours">{}</span>', own, format_html(said, theirs))


@register.simple_tag
def event_day(event: Event) -> SafeString:
    """The day of an event, in its own zone."""
    return _time(event, event.zone, format_day(event.starts_at, event.zone))


@register.simple_tag
def event_lang(event: Event) -> str:
    """The attribute of an element whose words are an event's own; none where they are in the page's language."""
    return "" if event.language == get_page_language() else format_html(' lang="{}"', event.language)


@register.simple_tag
def event_moment(moment: datetime, zone: ZoneInfo) -> SafeString:
    """An instant on somebody's clock."""
    local = moment.astimezone(zone)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), format_event_time(moment, zone))


def _time(event: Event, zone: ZoneInfo, words: str) -> SafeString:
    local = event.starts_at.astimezone(zone)
    # A line never ends between "11" and "a.m.".
    clock = format_clock_time(event.starts_at, zone)
    words = words.replace(clock, clock.replace(" ", "\N{NO-BREAK SPACE}"))
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), words)
