"""Times as people say them, on the clock of a place: "Friday, December 22, 2023, 11 a.m., Los Angeles time (PST)"."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.zones import find_canonical_zone, format_city, list_zone_countries


class NoSuchTime(ValueError):
    """The clocks of the place skip this time, as they are set forward over it."""


def format_event_time(moment: datetime, zone: ZoneInfo) -> str:
    """Day, date, time and place of an instant on the clock of `zone`, in the reader's language."""
    local = moment.astimezone(zone)
    return _("%(day)s, %(time)s, %(place)s") % {
        "day": format_day(moment, zone),
        "time": format_clock_time(moment, zone),
        "place": format_zone(local, zone),
    }


def format_day(moment: datetime, zone: ZoneInfo) -> str:
    """The weekday and date of an instant in `zone`."""
    local = moment.astimezone(zone)
    return date_format(local, pgettext("a day, in Django's letters for date formats", "l, F j, Y"))


def format_clock_time(moment: datetime, zone: ZoneInfo) -> str:
    """What the clock of `zone` shows at an instant."""
    return date_format(moment.astimezone(zone), "TIME_FORMAT")


def format_zone(local: datetime, zone: ZoneInfo) -> str:
    """Whose clock it is: "Los Angeles time (PST)". A zone that is no place is named as it is: "UTC"."""
    place = format_city(zone.key)
    if find_canonical_zone(zone.key) not in list_zone_countries():
        return place
    short = local.tzname() or ""
    if short[:1] in "+-":
        # Where a zone has no letters of its own, the database gives the bare offset.
        short = f"UTC{short}"
    return _("%(place)s time (%(short)s)") % {"place": place, "short": short}


def is_same_clock_time(moment: datetime, one: ZoneInfo, other: ZoneInfo) -> bool:
    """Whether the clocks of two zones show the same at an instant."""
    return moment.astimezone(one).utcoffset() == moment.astimezone(other).utcoffset()


def to_instant(clock: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which a clock in `zone` shows `clock`, which has no zone of its own.

    A time that comes twice, as the clocks are set back, means the first. Raises NoSuchTime.
    """
    moment = clock.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None, fold=0) != clock:
        raise NoSuchTime
    return moment
