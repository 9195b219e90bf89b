"""Events around clock changes in twenty time zones, with invitations read by another library."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from io import StringIO
from uuid import UUID
from zoneinfo import ZoneInfo

import vobject
from dateutil.tz import tzical
from vobject.icalendar import registerTzid

from events.models import Event, SignUp
from events.vtimezone import list_offset_changes

# Half and quarter hour offsets, half hour changes, midnight changes, southern zones, Ramadan, and no changes at all.
ZONES = [
    "Africa/Cairo", "Africa/Casablanca", "America/Los_Angeles", "America/Mexico_City", "America/New_York",
    "America/Santiago", "America/Sao_Paulo", "America/St_Johns", "Asia/Beirut", "Asia/Jerusalem", "Asia/Kathmandu",
    "Asia/Kolkata", "Asia/Tokyo", "Atlantic/Azores", "Australia/Lord_Howe", "Australia/Sydney", "Europe/Dublin",
    "Europe/London", "Pacific/Auckland", "Pacific/Chatham",
]  # fmt: skip
FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)


@cache
def list_zone_edges(name: str) -> list[datetime]:
    """Return when the clocks of a zone change, or two ends of a year if they never do."""
    return list(list_offset_changes(ZoneInfo(name), FIRST, LAST)) or [
        FIRST + timedelta(days=1),
        LAST - timedelta(days=1),
    ]


def event_near(draw: random.Random) -> Event:
    """Return an event within half a day of a clock change, in a third of cases within two hours."""
    name = draw.choice(ZONES)
    far = draw.choice([2, 12, 12]) * 60
    starts_at = draw.choice(list_zone_edges(name)) + timedelta(minutes=draw.randint(-far, far))
    return Event(
        pk=draw.randint(1, 10**6),
        slug="an-hour",
        title=draw.choice(["An hour", 'Bread; "butter", and\\or tea', "Über KI 🍵 reden " * 8]),
        summary="About AI: what it is, and where it fails.",
        starts_at=starts_at,
        time_zone=name,
        minutes=draw.choice([15, 45, 60, 90, 120, 240, 600]),
        sequence=draw.randint(0, 9),
        is_published=True,
    )


def sign_ups(count: int, *, seed: int) -> Iterator[SignUp]:
    """Yield sign-ups at random events, the same for the same seed. Needs no database."""
    draw = random.Random(seed)  # noqa: S311 - which event comes next
    for _ in range(count):
        yield SignUp(
            pk=UUID(int=draw.getrandbits(128), version=4),
            event=event_near(draw),
            name=draw.choice(["Kim", 'Kim "K" O’Hara; née: x, y', "金 영희"]),
            email="kim@example.org",
            token="t" * 32,
        )


def list_mismatches(sign_up: SignUp, message: str, *, method: str, sequence: int) -> list[str]:
    """List what another library reads differently in an invitation. It only knows the time zones in the message."""
    # By default it uses a cached or pytz time zone. Here only the rules in the message count.
    rules = tzical(StringIO(message))
    for name in rules.keys():  # noqa: SIM118 - it is no mapping
        registerTzid(name, rules.get(name))
    calendar = vobject.readOne(message)
    calendar.validate()
    entry, event = calendar.vevent, sign_up.event
    fields = {
        "method": (calendar.method.value, method),
        "uid": (entry.uid.value, str(sign_up.pk)),
        "sequence": (entry.sequence.value, str(sequence)),
        "summary": (entry.summary.value, event.title),
        "status": (entry.status.value, "CANCELLED" if method == "CANCEL" else "CONFIRMED"),
        "attendee": (entry.attendee.value, f"mailto:{sign_up.email}"),
        "start": (entry.dtstart.value.astimezone(UTC), event.starts_at),
        "end": (entry.dtend.value.astimezone(UTC), event.ends_at),
        "wall clock": (
            convert_to_wall_time(entry.dtstart.value, event.zone),
            event.starts_local.replace(tzinfo=None, fold=0),
        ),
        "alarms": (len(entry.contents.get("valarm", [])), 0 if method == "CANCEL" else 2),
    }
    return [f"{name}: {read!r}, meant {meant!r}" for name, (read, meant) in fields.items() if read != meant]


def convert_to_wall_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the local time that a calendar shows for a local or UTC time."""
    if moment.utcoffset() == timedelta() and moment.tzname() == "UTC":
        moment = moment.astimezone(zone)
    return moment.replace(tzinfo=None, fold=0)
