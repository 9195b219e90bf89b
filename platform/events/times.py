"""Format times with their place: "Friday, December 22, 2023, 11 a.m., Los Angeles time (PST)"."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.zones import find_canonical_zone, format_city, list_zone_countries


class NoSuchTime(ValueError):
    """This local time does not exist: the clocks go forward over it."""


def format_event_time(moment: datetime, zone: ZoneInfo) -> str:
    """Format an instant as day, date, time and place in `zone`, in the active language."""
    local = moment.astimezone(zone)
    return _("%(day)s, %(time)s, %(place)s") % {
        "day": format_day(moment, zone),
        "time": format_clock_time(moment, zone),
        "place": format_zone(local, zone),
    }


def format_day(moment: datetime, zone: ZoneInfo) -> str:
    """Format the weekday and date of an instant in `zone`."""
    local = moment.astimezone(zone)
    return date_format(local, pgettext("a day, in Django's letters for date formats", "l, F j, Y"))


def format_clock_time(moment: datetime, zone: ZoneInfo) -> str:
    """Format the local time of an instant in `zone`."""
    return date_format(moment.astimezone(zone), "TIME_FORMAT")


def format_zone(local: datetime, zone: ZoneInfo) -> str:
    """Format a zone as "Los Angeles time (PST)". A zone without a place keeps its name: "UTC"."""
    place = format_city(zone.key)
    if find_canonical_zone(zone.key) not in list_zone_countries():
        return place
    short = local.tzname() or ""
    if short[:1] in "+-":
        # Zones without an abbreviation have a bare offset instead.
        short = f"UTC{short}"
    return _("%(place)s time (%(short)s)") % {"place": place, "short": short}


def is_same_clock_time(moment: datetime, zone: ZoneInfo, other: ZoneInfo) -> bool:
    """Return whether two zones have the same local time at an instant."""
    return moment.astimezone(zone).utcoffset() == moment.astimezone(other).utcoffset()


def to_instant(local: datetime, zone: ZoneInfo) -> datetime:
    """Convert a naive local time in `zone` to an aware UTC datetime.

    When clocks go back, an ambiguous time means the first one. Raises NoSuchTime if the clocks skip the time.
    """
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None, fold=0) != local:
        raise NoSuchTime
    return moment
