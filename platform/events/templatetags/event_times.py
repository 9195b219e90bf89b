"""Template tags for event times as `<time>` elements, and for the language of an event's texts."""

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
    """Format when an event starts, in its own time zone, and also in the reader's if that differs.

    `reader` is a person or a zone. For anyone else, clock.js adds the local time, with the text in `data-template`.
    """
    own = _render_time(event, event.zone, format_event_time(event.starts_at, event.zone))
    zone = reader.zone if isinstance(reader, Person) else reader
    for_you = _("For you: {}")
    if not isinstance(zone, ZoneInfo):
        return format_html('<span class="event-clock" data-template="{}">{}</span>', for_you, own)
    if is_same_clock_time(event.starts_at, event.zone, zone):
        return own
    event_clock = _render_time(event, zone, format_event_time(event.starts_at, zone))
    return format_html('{} <span class="event-yours">{}</span>', own, format_html(for_you, event_clock))


@register.simple_tag
def event_day(event: Event) -> SafeString:
    """Format the day of an event, in its own time zone."""
    return _render_time(event, event.zone, format_day(event.starts_at, event.zone))


@register.simple_tag
def text_lang(event: Event) -> str:
    """Return the `lang` attribute for an event's title, summary and description, or nothing if it is the page's."""
    language = event.text.language
    return "" if language == get_page_language() else format_html(' lang="{}"', language)


@register.simple_tag
def event_lang(event: Event) -> str:
    """Return the `lang` attribute for what is said at an event, or nothing if it is the page's language."""
    return "" if event.language == get_page_language() else format_html(' lang="{}"', event.language)


@register.simple_tag
def event_moment(moment: datetime, zone: ZoneInfo) -> SafeString:
    """Format an instant in a time zone."""
    local = moment.astimezone(zone)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), format_event_time(moment, zone))


def _render_time(event: Event, zone: ZoneInfo, text: str) -> SafeString:
    local = event.starts_at.astimezone(zone)
    # Keep "11 a.m." on one line.
    clock = format_clock_time(event.starts_at, zone)
    text = text.replace(clock, clock.replace(" ", "\N{NO-BREAK SPACE}"))
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), text)
