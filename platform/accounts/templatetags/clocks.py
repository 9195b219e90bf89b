"""Times in a time zone, with the zone's name where it could be mistaken for another."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django import template

from accounts import zones

register = template.Library()


@register.filter
def city(zone: ZoneInfo | str) -> str:
    return zones.format_city(str(zone))


@register.filter
def clock_name(zone: ZoneInfo | str) -> str:
    """“Madrid time”."""
    return zones.format_zone_name(ZoneInfo(str(zone)))


@register.filter
def clock_now(zone: ZoneInfo | str) -> str:
    return zones.format_current_time(ZoneInfo(str(zone)))


@register.filter
def time_in(moment: datetime, zone: ZoneInfo | str) -> str:
    """“7 a.m., Madrid time”."""
    return zones.format_time_in_zone(moment, ZoneInfo(str(zone)))
