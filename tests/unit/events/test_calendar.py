"""Any calendar app can read the calendar file, with exact times in winter and summer."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from pytest_django import Settings

from events.calendar import build_calendar_file
from events.models import Event

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LOS_ANGELES = "America/Los_Angeles"


def build_event(*clock: int, zone: str = LOS_ANGELES, minutes: int | None = 90, **fields: str) -> Event:
    """Return an unsaved event at a local time of its zone."""
    starts_at = datetime(*clock, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[arg-type, misc]
    values = {"slug": "an-hour", "title": "An hour", "summary": "About AI."} | fields
    return Event(pk=7, starts_at=starts_at, time_zone=zone, minutes=minutes, **values)


def lines(event: Event) -> list[str]:
    """Return the file's lines, with folded ones unfolded."""
    return build_calendar_file(event, now=NOW).replace("\r\n ", "").split("\r\n")


def read(file: str) -> Any:
    """Parse the file with another library."""
    return Calendar.from_ical(file)


@pytest.fixture(autouse=True)
def _site(settings: Settings) -> None:
    settings.SITE_URL = "https://kitchen.example:8443/"


def test_a_calendar_file_has_what_rfc_5545_requires() -> None:
    calendar = read(build_calendar_file(build_event(2027, 1, 14, 18), now=NOW))
    assert calendar["VERSION"] == "2.0"
    assert calendar["METHOD"] == "PUBLISH"
    assert "Kitchen Table" in calendar["PRODID"]
    [entry] = calendar.events
    assert entry["UID"] == "event-7@kitchen.example"
    assert entry["SEQUENCE"] == 0
    assert entry["DTSTAMP"].dt == NOW
    assert entry["SUMMARY"] == "An hour"
    page = "https://kitchen.example:8443/events/an-hour"
    assert entry["URL"] == entry["LOCATION"] == page
    assert entry["DESCRIPTION"] == f"About AI.\n\n{page}"
    assert not calendar.walk("VALARM")
    assert not entry.errors


@pytest.mark.parametrize(
    ("clock", "zone", "start", "end"),
    [
        ((2027, 1, 14, 18), LOS_ANGELES, "20270115T020000Z", "20270115T033000Z"),
        ((2027, 7, 15, 18), LOS_ANGELES, "20270716T010000Z", "20270716T023000Z"),
        ((2027, 1, 14, 18), "Europe/Dublin", "20270114T180000Z", "20270114T193000Z"),
        ((2027, 7, 15, 18), "Europe/Dublin", "20270715T170000Z", "20270715T183000Z"),
        ((2027, 1, 1, 0, 30), "Pacific/Auckland", "20261231T113000Z", "20261231T130000Z"),
        ((2026, 12, 31, 23), LOS_ANGELES, "20270101T070000Z", "20270101T083000Z"),
        ((2027, 5, 5, 5), "Asia/Kathmandu", "20270504T231500Z", "20270505T004500Z"),
        ((2027, 5, 5, 5), "UTC", "20270505T050000Z", "20270505T063000Z"),
    ],
)
def test_a_calendar_files_zone_rules_give_the_events_times(
    clock: tuple[int, ...], zone: str, start: str, end: str
) -> None:
    event = build_event(*clock, zone=zone)
    calendar = read(build_calendar_file(event, now=NOW))
    [entry] = calendar.events
    assert entry.start == event.starts_at
    assert entry.end == event.ends_at
    # Read it again, knowing only the time zone in the file.
    assert [by_the_file(calendar, entry[name].dt) for name in ("DTSTART", "DTEND")] == [start, end]


def by_the_file(calendar: Any, moment: datetime) -> str:
    """Compute an instant's local time from the file's VTIMEZONE alone."""
    naive = moment.replace(tzinfo=None)
    offset = timedelta()
    for timezone in calendar.timezones:
        begun = [rule for rule in timezone.subcomponents if rule["DTSTART"].dt <= naive]
        offset = max(begun, key=lambda rule: rule["DTSTART"].dt)["TZOFFSETTO"].td
    return (naive - offset).strftime("%Y%m%dT%H%M%SZ")


@pytest.mark.parametrize("month", [1, 7])
def test_los_angeles_has_its_real_clock_changes(month: int) -> None:
    [timezone] = read(build_calendar_file(build_event(2027, month, 14, 18), now=NOW)).timezones
    rules = [
        (rule.name, str(rule["TZNAME"]), rule["DTSTART"].dt, rule["TZOFFSETFROM"].td, rule["TZOFFSETTO"].td)
        for rule in timezone.subcomponents
    ]
    summer, winter = timedelta(hours=-7), timedelta(hours=-8)
    assert timezone["TZID"] == LOS_ANGELES
    # Each in the offset before the change.
    assert rules == [
        ("STANDARD", "PST", datetime(2026, 12, 29, 16), winter, winter),  # noqa: DTZ001
        ("DAYLIGHT", "PDT", datetime(2027, 3, 14, 2), winter, summer),  # noqa: DTZ001
        ("STANDARD", "PST", datetime(2027, 11, 7, 2), summer, winter),  # noqa: DTZ001
    ]


def test_a_start_is_written_on_the_clock_of_its_zone() -> None:
    assert "DTSTART;TZID=America/Los_Angeles:20270114T180000" in lines(build_event(2027, 1, 14, 18))
    assert "DTEND;TZID=America/Los_Angeles:20270114T193000" in lines(build_event(2027, 1, 14, 18))


def test_an_event_over_a_change_of_clocks_is_as_long_as_it_says() -> None:
    event = build_event(2027, 3, 14, 1)
    written = lines(event)
    assert "DTSTART;TZID=America/Los_Angeles:20270314T010000" in written
    assert "DTEND;TZID=America/Los_Angeles:20270314T033000" in written


def test_utc_has_no_vtimezone() -> None:
    file = build_calendar_file(build_event(2027, 5, 5, 5, zone="UTC"), now=NOW)
    assert "VTIMEZONE" not in file
    assert "DTSTART:20270505T050000Z" in file


def test_lines_are_short_and_end_as_they_should() -> None:
    long = build_event(
        2027, 1, 14, 18, title="Ünïcödé 🍵 " * 12, summary="What it is; where it fails, and why. " * 8
    )
    file = build_calendar_file(long, now=NOW)
    raw = file.encode().split(b"\r\n")
    assert raw[-1] == b""
    assert all(len(line) <= 75 for line in raw)
    assert not any(b"\n" in line or b"\r" in line for line in raw)
    assert all(line.decode() for line in raw[:-1]), "no letter is cut in two"
    [entry] = read(file).events
    assert entry["SUMMARY"] == long.title
    assert entry["DESCRIPTION"].startswith(long.summary)


def test_special_characters_are_escaped() -> None:
    title = "Bread; butter, back\\slash\nEND:VEVENT"
    event = build_event(2027, 1, 14, 18, title=title)
    assert r"SUMMARY:Bread\; butter\, back\\slash\nEND:VEVENT" in lines(event)
    assert lines(event).count("END:VEVENT") == 1
    [entry] = read(build_calendar_file(event, now=NOW)).events
    assert entry["SUMMARY"] == title


def test_an_event_without_a_known_end_has_no_file() -> None:
    with pytest.raises(ValueError, match="end"):
        build_calendar_file(build_event(2027, 1, 14, 18, minutes=None))
