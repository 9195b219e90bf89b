"""Invitations can be sent, updated and cancelled, and their times are right in every time zone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar
from pytest_django import Settings

from events.itip import build_cancellation, build_request
from events.models import Event, SignUp
from tests.events.edges import ZONES, list_mismatches, list_zone_edges, sign_ups
from tests.unit.events.test_calendar import build_event

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _site(settings: Settings) -> None:
    settings.SITE_URL = "https://kitchen.example"
    settings.DEFAULT_FROM_EMAIL = "Kitchen Table <hello@kitchen.example>"


def build_sign_up(event: Event | None = None, **fields: str) -> SignUp:
    values = {"name": "Kim", "email": "kim@example.org", "token": "t" * 32} | fields
    return SignUp(event=event or build_event(2027, 1, 14, 18), **values)


def entry_in(message: str) -> Any:
    calendar = Calendar.from_ical(message)
    calendar.validate()  # type: ignore[no-untyped-call]
    [entry] = calendar.events
    assert not entry.errors
    return entry


class TestARequest:
    def test_has_what_rfc_5546_asks_for(self) -> None:
        sign_up = build_sign_up()
        message = build_request(sign_up, now=NOW)
        assert Calendar.from_ical(message)["METHOD"] == "REQUEST"
        entry = entry_in(message)
        assert entry["UID"] == str(sign_up.pk)
        assert (entry["SEQUENCE"], entry["STATUS"], entry["DTSTAMP"].dt) == (0, "CONFIRMED", NOW)
        assert entry["ORGANIZER"] == "mailto:hello@kitchen.example"
        assert entry["ORGANIZER"].params["CN"] == "Kitchen Table"
        assert entry["ATTENDEE"] == "mailto:kim@example.org"
        assert dict(entry["ATTENDEE"].params) == {
            "CN": "Kim",
            "CUTYPE": "INDIVIDUAL",
            "ROLE": "REQ-PARTICIPANT",
            "PARTSTAT": "ACCEPTED",
            "RSVP": "FALSE",
        }

    def test_leads_to_the_persons_own_page_and_names_no_room(self) -> None:
        event = build_event(2027, 1, 14, 18, join_url="https://meet.example.org/secret")
        message = build_request(build_sign_up(event), now=NOW)
        entry = entry_in(message)
        own = "https://kitchen.example/events/sign-up/" + "t" * 32
        assert entry["URL"] == entry["LOCATION"] == own
        assert own in entry["DESCRIPTION"]
        assert "meet.example.org" not in message.replace("\r\n ", "")

    def test_has_alarms_a_day_and_fifteen_minutes_before(self) -> None:
        alarms = entry_in(build_request(build_sign_up(), now=NOW)).walk("VALARM")
        assert [alarm["TRIGGER"].dt for alarm in alarms] == [timedelta(days=-1), timedelta(minutes=-15)]
        assert {str(alarm["ACTION"]) for alarm in alarms} == {"DISPLAY"}

    def test_names_one_attendee_and_takes_any_name(self) -> None:
        for name in ('Kim "K"; née: x, y', "金 영희", "O'Hara\\", "x" * 60):
            entry = entry_in(build_request(build_sign_up(name=name), now=NOW))
            assert entry["ATTENDEE"].params["CN"] == name.replace('"', "”")

    def test_of_an_event_without_a_known_end_is_refused(self) -> None:
        with pytest.raises(ValueError, match="end"):
            build_request(build_sign_up(build_event(2027, 1, 14, 18, minutes=None)))


class TestACancel:
    def test_is_the_same_object_at_a_later_revision(self) -> None:
        sign_up = build_sign_up()
        asked, off = entry_in(build_request(sign_up)), entry_in(build_cancellation(sign_up, sequence=1))
        assert asked["UID"] == off["UID"]
        assert off["SEQUENCE"] > asked["SEQUENCE"]
        assert off["STATUS"] == "CANCELLED"
        assert off["ATTENDEE"] == asked["ATTENDEE"]
        assert not off.walk("VALARM")
        assert Calendar.from_ical(build_cancellation(sign_up, sequence=1))["METHOD"] == "CANCEL"


def test_signing_up_again_makes_a_new_object() -> None:
    event = build_event(2027, 1, 14, 18)
    assert (
        entry_in(build_request(build_sign_up(event)))["UID"]
        != entry_in(build_request(build_sign_up(event)))["UID"]
    )


@given(st.integers(0, 2**32))
def test_another_library_reads_the_same_times_at_every_edge(seed: int) -> None:
    [sign_up] = sign_ups(1, seed=seed)
    sequence = sign_up.event.sequence
    assert not list_mismatches(sign_up, build_request(sign_up), method="REQUEST", sequence=sequence)
    off = build_cancellation(sign_up, sequence=sequence + 1)
    assert not list_mismatches(sign_up, off, method="CANCEL", sequence=sequence + 1)


@pytest.mark.parametrize("zone", ZONES)
def test_every_minute_around_a_clock_change_is_read_as_intended(zone: str) -> None:
    """Check the repeated hour and the skipped hour, in quarters."""
    for edge in list_zone_edges(zone)[:4]:
        for minutes in range(-120, 121, 15):
            event = Event(
                pk=1, slug="x", title="X", summary="Y", starts_at=edge + timedelta(minutes=minutes),
                time_zone=zone, minutes=45,
            )  # fmt: skip
            sign_up = build_sign_up(event)
            assert not list_mismatches(sign_up, build_request(sign_up), method="REQUEST", sequence=0)
