"""The time zone that a visitor sees times in, and how they choose it."""

from zoneinfo import ZoneInfo

from django.http import HttpRequest

from accounts.models import Person
from accounts.zones import find_canonical_zone, format_city

# One city per offset, west to east: a list that fits on a phone. A script detects a visitor's own time zone.
CITIES = (
    "Pacific/Honolulu", "America/Anchorage", "America/Los_Angeles", "America/Denver", "America/Phoenix",
    "America/Chicago", "America/Mexico_City", "America/New_York", "America/Halifax", "America/St_Johns",
    "America/Bogota", "America/Santiago", "America/Sao_Paulo", "Atlantic/Azores", "Europe/London", "Europe/Dublin",
    "Europe/Madrid", "Europe/Berlin", "Africa/Lagos", "Africa/Cairo", "Africa/Johannesburg", "Europe/Athens",
    "Europe/Istanbul", "Africa/Nairobi", "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Dhaka",
    "Asia/Bangkok", "Asia/Manila", "Asia/Shanghai", "Asia/Tokyo", "Asia/Seoul", "Australia/Perth", "Australia/Adelaide",
    "Australia/Brisbane", "Australia/Sydney", "Pacific/Auckland",
)  # fmt: skip


def find_zone(name: str) -> ZoneInfo | None:
    """Return the zone of a submitted name, under its current name, or None if there is none."""
    present = find_canonical_zone(name)
    return ZoneInfo(present) if present else None


def find_visitor_zone(request: HttpRequest) -> ZoneInfo | None:
    """Return the zone that a visitor chose on the page, or that of their account, or None."""
    chosen = find_zone(request.GET.get("zone", ""))
    if chosen is None and isinstance(request.user, Person):
        return request.user.zone
    return chosen


def list_cities() -> list[tuple[str, str]]:
    """List the zones to choose from, with their city names."""
    return [(zone, format_city(zone)) for zone in CITIES]
