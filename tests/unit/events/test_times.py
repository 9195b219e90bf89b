"""Times are formatted in the event's time zone and the reader's."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template

from accounts.models import Person
from events.models import Event
from events.times import NoSuchTime, format_event_time, is_same_clock_time, to_instant

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
WINTER = datetime(2023, 12, 22, 19, tzinfo=UTC)
NEW_YEAR = datetime(2027, 1, 1, 8, tzinfo=UTC)
SUMMER = datetime(2027, 7, 15, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "zone", "formatted"),
    [
        (WINTER, "America/Los_Angeles", "Friday, December 22, 2023, 11 a.m., Los Angeles time (PST)"),
        (SUMMER, "America/Los_Angeles", "Wednesday, July 14, 2027, 6:30 p.m., Los Angeles time (PDT)"),
        (WINTER, "Europe/Dublin", "Friday, December 22, 2023, 7 p.m., Dublin time (GMT)"),
        (SUMMER, "Europe/Dublin", "Thursday, July 15, 2027, 2:30 a.m., Dublin time (IST)"),
        (WINTER, "Asia/Tokyo", "Saturday, December 23, 2023, 4 a.m., Tokyo time (JST)"),
        (WINTER, "America/Sao_Paulo", "Friday, December 22, 2023, 4 p.m., Sao Paulo time (UTC-03)"),
        (WINTER, "UTC", "Friday, December 22, 2023, 7 p.m., UTC"),
        (WINTER, "Etc/UTC", "Friday, December 22, 2023, 7 p.m., UTC"),
        (
            datetime(2027, 1, 1, 8, tzinfo=UTC),
            "America/Los_Angeles",
            "Friday, January 1, 2027, midnight, Los Angeles time (PST)",
        ),
    ],
)
def test_a_time_is_formatted_in_full(moment: datetime, zone: str, formatted: str) -> None:
    assert format_event_time(moment, ZoneInfo(zone)) == formatted


def render_event_time(event: Event, reader: Person | None = None) -> str:
    template = Template("{% load event_times %}{% event_when event reader %}")
    rendered = template.render(Context({"event": event, "reader": reader}))
    assert "\N{NO-BREAK SPACE}" in rendered, "a line could end between 11 and a.m."
    return rendered.replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture
def winter() -> Event:
    return Event(starts_at=WINTER, time_zone="America/Los_Angeles")


def test_a_page_has_a_machine_readable_time(winter: Event) -> None:
    sentence = "Friday, December 22, 2023, 11 a.m., Los Angeles time (PST)"
    assert f'<time datetime="2023-12-22T11:00:00-08:00">{sentence}</time>' in render_event_time(winter)


def test_a_reader_in_another_zone_also_sees_their_own_time(winter: Event) -> None:
    rendered = render_event_time(winter, Person(time_zone="Europe/Dublin"))
    assert "11 a.m., Los Angeles time" in rendered
    assert 'For you: <time datetime="2023-12-22T19:00:00+00:00">' in rendered
    assert "7 p.m., Dublin time (GMT)" in rendered


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "America/Vancouver"])
def test_a_reader_with_the_same_clock_reads_it_once(winter: Event, zone: str) -> None:
    assert "For you" not in render_event_time(winter, Person(time_zone=zone))


def test_zones_are_compared_at_that_moment() -> None:
    phoenix = ZoneInfo("America/Phoenix")
    assert is_same_clock_time(SUMMER, LOS_ANGELES, phoenix)
    assert not is_same_clock_time(WINTER, LOS_ANGELES, phoenix)


def build_local_time(*shown: int) -> datetime:
    return datetime(*shown)  # type: ignore[arg-type] # noqa: DTZ001


class TestTyped:
    def test_a_local_time_is_converted_in_winter_and_in_summer(self) -> None:
        assert to_instant(build_local_time(2023, 12, 22, 11), LOS_ANGELES) == WINTER
        assert to_instant(build_local_time(2027, 7, 14, 18, 30), LOS_ANGELES) == SUMMER

    def test_a_time_that_the_clocks_skip_is_refused(self) -> None:
        for minute in (0, 30, 59):
            with pytest.raises(NoSuchTime):
                to_instant(build_local_time(2027, 3, 14, 2, minute), LOS_ANGELES)
        assert to_instant(build_local_time(2027, 3, 14, 3), LOS_ANGELES) == datetime(
            2027, 3, 14, 10, tzinfo=UTC
        )

    def test_an_ambiguous_time_is_the_first(self) -> None:
        assert to_instant(build_local_time(2027, 11, 7, 1, 30), LOS_ANGELES) == datetime(
            2027, 11, 7, 8, 30, tzinfo=UTC
        )
