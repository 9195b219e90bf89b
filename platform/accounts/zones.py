"""Time zones by city: which exist, what they are called, and which are likely.

The list is from the tz database (zone.tab: each country's current zones). The names are from Unicode CLDR, in
English and Spanish.
"""

import zoneinfo
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import get_timezone_location
from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from kit.languages import get_page_language

# Names that only mean something on one machine.
EXCLUDED_NAMES = {"localtime", "Factory", "posixrules"}
AREAS = {
    "Europe": _("Europe"), "Arctic": _("Europe"), "America": _("America"), "Africa": _("Africa"), "Asia": _("Asia"),
    "Australia": _("Australia"), "Pacific": _("Pacific Ocean"), "Atlantic": _("Atlantic Ocean"),
    "Indian": _("Indian Ocean"), "Antarctica": _("Antarctica"),
}  # fmt: skip
# Where most readers of a language are, in the order they are offered.
LIKELY_ZONES = {
    "en": ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "Europe/London"),
    "es": ("Europe/Madrid", "America/Mexico_City", "America/Bogota", "America/Argentina/Buenos_Aires",
           "America/Lima", "America/Santiago", "America/New_York", "America/Los_Angeles"),
}  # fmt: skip

type Choice = tuple[str, str]
type Group = tuple[str, list[Choice]]


@lru_cache(maxsize=1)
def list_zone_names() -> frozenset[str]:
    """Return every zone name that this machine knows, including old ones."""
    return frozenset(zoneinfo.available_timezones() - EXCLUDED_NAMES)


@lru_cache(maxsize=1)
def list_zone_countries() -> dict[str, str]:
    """Map each zone that can be chosen to its country. A country's most populous zone comes first."""
    rows = (row.split("\t") for row in _read_lines("zone.tab") if not row.startswith("#"))
    return {zone: country for country, _coordinates, zone, *_rest in rows}


@lru_cache(maxsize=1)
def _list_links() -> dict[str, str]:
    """Map old names to current ones: Asia/Calcutta to Asia/Kolkata."""
    rows = (row.split() for row in _read_lines("tzdata.zi") if row.startswith("L "))
    return {old: new for _letter, new, old in rows}


def _read_lines(name: str) -> list[str]:
    return files("tzdata.zoneinfo").joinpath(name).read_text(encoding="utf-8").splitlines()


def find_canonical_zone(name: str) -> str | None:
    """Return the current name of a zone, or None if the name is unknown.

    A country's own city stays as it is, even if the database stores it as a link: Oslo doesn't become Berlin.
    """
    if name not in list_zone_names():
        return None
    current, links = name, _list_links()
    while current not in list_zone_countries() and current in links:
        current = links[current]
    return "UTC" if current in {"Etc/UTC", "Etc/GMT"} else current


@lru_cache(maxsize=1)
def list_old_names() -> dict[str, list[str]]:
    """Map each zone to its old names, which browsers may still send."""
    names: dict[str, list[str]] = {}
    for old in sorted(_list_links()):
        current = find_canonical_zone(old)
        if current and current != old:
            names.setdefault(current, []).append(old)
    return names


def format_city(zone: str) -> str:
    """Return a zone's city in the reader's language, such as “Los Angeles” or “Nueva York”. “UTC” if it has none."""
    return _format_city(find_canonical_zone(zone) or zone, _get_language())


@lru_cache(maxsize=2048)
def _format_city(zone: str, language: str) -> str:
    if zone not in list_zone_countries():
        return zone.removeprefix("Etc/").replace("_", " ")
    location = get_timezone_location(zone, Locale.parse(language), return_city=True)
    # CLDR has no short name for some zones: “Argentina/Buenos Aires”.
    return location.rpartition("/")[2]


def format_zone_name(zone: ZoneInfo) -> str:
    """Return the zone's name beside a time: “Madrid time”."""
    if find_canonical_zone(zone.key) not in list_zone_countries():
        return format_city(zone.key)
    return gettext("%(city)s time") % {"city": format_city(zone.key)}


def format_current_time(zone: ZoneInfo, *, now: datetime | None = None) -> str:
    """Return the current time in the zone."""
    return date_format((now or timezone.now()).astimezone(zone), "TIME_FORMAT")


def format_time_in_zone(moment: datetime, zone: ZoneInfo) -> str:
    """Return a time with its zone: “7 a.m., Madrid time”."""
    return gettext("%(time)s, %(clock)s") % {
        "time": format_current_time(zone, now=moment),
        "clock": format_zone_name(zone),
    }


def build_zone_choices(likely: Iterable[str], *, now: datetime | None = None) -> list[Group]:
    """Return the zones by city and country with their current times: likely ones first, then all by region."""
    now, language = now or timezone.now(), _get_language()
    # Four hundred zones share about forty different times.
    times: dict[timedelta | None, str] = {}

    def choice(zone: str) -> Choice:
        local_time = now.astimezone(_load_zone(zone))
        time = times.get(local_time.utcoffset()) or times.setdefault(
            local_time.utcoffset(), date_format(local_time, "TIME_FORMAT")
        )
        return zone, f"{_format_label(zone, language)} · {time}"

    areas: dict[str, list[Choice]] = {}
    for zone in _sort_by_name(language):
        areas.setdefault(gettext(AREAS[zone.partition("/")[0]]), []).append(choice(zone))
    first = dict.fromkeys(
        filter(None, map(find_canonical_zone, [*likely, *LIKELY_ZONES.get(language[:2], LIKELY_ZONES["en"])]))
    )
    groups = [(gettext("Suggested"), [choice(zone) for zone in first]), *areas.items()]
    return [*groups, (gettext("Other"), [choice("UTC")])]


@lru_cache(maxsize=512)
def _load_zone(zone: str) -> ZoneInfo:
    """Return a zone, and keep it: ZoneInfo's own cache keeps eight, so each list would read four hundred files."""
    return ZoneInfo(zone)


@lru_cache(maxsize=8)
def _sort_by_name(language: str) -> Sequence[str]:
    return sorted(
        list_zone_countries(),
        key=lambda zone: (list(AREAS).index(zone.partition("/")[0]), _format_label(zone, language)),
    )


@lru_cache(maxsize=2048)
def _format_label(zone: str, language: str) -> str:
    city = _format_city(zone, language)
    country = Locale.parse(language).territories.get(list_zone_countries().get(zone, ""), "")
    return city if country in {"", city} else f"{city}, {country}"


def guess_zone(accept_language: str) -> str:
    """Guess a zone from the browser's languages: a zone of the first country that they name."""
    for tag in accept_language.split(","):
        country = tag.partition(";")[0].strip().replace("_", "-").rpartition("-")[2].upper()
        for zone, its_country in list_zone_countries().items():
            if len(country) == len("US") and its_country == country and "-" in tag:
                # In a country with many zones, the site's own is as likely as any.
                return (
                    get_default_zone() if list_zone_countries().get(get_default_zone()) == country else zone
                )
    return get_default_zone()


def get_default_zone() -> str:
    zone: str = settings.DEFAULT_PERSON_TIME_ZONE
    return zone


def _get_language() -> str:
    return get_page_language().replace("-", "_")
