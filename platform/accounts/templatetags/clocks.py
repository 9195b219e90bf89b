"""Times on the clock of a zone, with the clock's name where it could be mistaken for another."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django import template

from accounts import zones

register = template.Library()


@register.filter
def city(zone: ZoneInfo | str) -> str:
    return zones.city_of(str(zone))


@register.filter
def clock_name(zone: ZoneInfo | str) -> str:
    """“Madrid time”."""
    return zones.zone_name(ZoneInfo(str(zone)))


@register.filter
def clock_now(zone: ZoneInfo | str) -> str:
    return zones.clock_now(ZoneInfo(str(zone)))


@register.filter
def time_in(moment: datetime, zone: ZoneInfo | str) -> str:
    """“7 a.m., Madrid time”."""
    return zones.time_in(moment, ZoneInfo(str(zone)))
