"""Quiet hours through a year of clock changes, in zones with every kind of change."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from families.quiet_hours import (
    QuietHours,
    find_quiet_end,
    get_first_instant,
    get_last_instant,
    get_new_zone_start,
)

LA = ZoneInfo("America/Los_Angeles")
MADRID = ZoneInfo("Europe/Madrid")
MOMENTS = st.integers(1_767_225_600, 1_830_297_600).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
# Changes by half an hour, for Ramadan, zones at three quarters, none, by two hours, at midnight, in the south.
ZONES = [
    "America/Los_Angeles", "Europe/Madrid", "Europe/London", "Australia/Lord_Howe", "Africa/Casablanca",
    "Pacific/Chatham", "Asia/Kathmandu", "Antarctica/Troll", "Atlantic/Azores", "America/St_Johns",
    "America/Santiago", "Africa/Cairo", "Pacific/Apia",
]  # fmt: skip
# A normal night, and hours that begin, end or lie in skipped or repeated ones.
HOURS = [
    (time(21), time(7)),
    (time(23), time(2, 15)),
    (time(2, 30), time(9)),
    (time(1, 45), time(2, 20)),
    (time(23, 30), time(0, 30)),
    (time(3), time(3, 20)),
]


def build_hours(zone: ZoneInfo = LA, begins: time = time(21), ends: time = time(7)) -> QuietHours:
    return QuietHours(begins=begins, ends=ends, zone=zone)


def at(*when: int, zone: ZoneInfo = LA) -> datetime:
    return datetime(*when, tzinfo=zone)  # type: ignore[misc, arg-type]


def find_opening(*agreed: QuietHours, now: datetime) -> datetime | None:
    quiet = find_quiet_end(agreed, now=now)
    return quiet.at if quiet else None


def is_shown(clock: time, begins: time, ends: time) -> bool:
    """Return whether a clock that shows `clock` is within the quiet hours."""
    return begins <= clock < ends if begins <= ends else clock >= begins or clock < ends


def is_repeated(local: datetime) -> bool:
    """Return whether the clock shows this time twice."""
    first, second = local.replace(fold=0), local.replace(fold=1)
    return first.astimezone(UTC) < second.astimezone(UTC)


def minutes_to_look_at(zone: ZoneInfo, year: int) -> Iterator[list[datetime]]:
    """Yield the first day and the days around each change, every five minutes; in a soak, every minute of the year."""
    begins, ends = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    step = MINUTE if "SOAK" in os.environ else 5 * MINUTE
    if "SOAK" in os.environ:
        yield [begins + n * step for n in range((ends - begins) // step)]
        return
    yield [begins + n * step for n in range(DAY // step)]
    day = begins
    while day < ends:
        if day.astimezone(zone).utcoffset() != (day + DAY).astimezone(zone).utcoffset():
            yield [day - DAY + n * step for n in range(3 * DAY // step)]
        day += DAY


def walk(zone: ZoneInfo, begins: time, ends: time, moments: list[datetime]) -> tuple[int, int]:
    """Compare every moment with what the clock shows. Return how many were checked, and how many were quiet."""
    hours, runs, was_quiet, latest = build_hours(zone, begins, ends), 0, False, moments[0]
    extra = 0
    for moment in moments:
        local = moment.astimezone(zone)
        until = find_opening(hours, now=moment)
        shown = is_shown(local.time().replace(tzinfo=None), begins, ends)
        if shown:
            assert until, f"{local} is quiet by the clock, and the tutor is open"
        if until and not shown:
            assert is_repeated(local), f"{local} is not quiet by the clock, and the tutor is closed"
            extra += 1
        if until:
            assert until > moment
            assert until >= latest, "the next opening came nearer"
            assert find_opening(hours, now=until) is None, "it did not open when it said"
            assert find_opening(hours, now=until - timedelta(seconds=1)) == until
            latest = until
        runs += bool(until) and not was_quiet
        was_quiet = bool(until)
    days = (moments[-1] - moments[0]) / DAY
    assert runs <= days + 2, "a night opened and closed again"
    return len(moments), extra


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("begins", "ends"), HOURS)
def test_every_minute_of_a_year_matches_the_clock(zone: str, begins: time, ends: time) -> None:
    looked = [walk(ZoneInfo(zone), begins, ends, some) for some in minutes_to_look_at(ZoneInfo(zone), 2027)]
    print(zone, f"{begins:%H:%M}-{ends:%H:%M}", *map(sum, zip(*looked, strict=True)))


def test_a_skipped_calendar_day_has_one_night() -> None:
    apia, begins = ZoneInfo("Pacific/Apia"), datetime(2011, 12, 28, tzinfo=UTC)
    walk(apia, time(21), time(7), [begins + n * MINUTE for n in range(0, 5 * 24 * 60, 3)])
    # The 30th was skipped: the night from the 29th to the 31st has ten quiet hours.
    opened = find_opening(build_hours(apia), now=at(2011, 12, 29, 21, zone=apia))
    assert opened == at(2011, 12, 31, 7, zone=apia)
    assert opened - at(2011, 12, 29, 21, zone=apia).astimezone(UTC) == timedelta(hours=10)


class TestANight:
    def test_ends_the_next_morning(self) -> None:
        assert find_opening(build_hours(), now=at(2026, 6, 1, 22)) == at(2026, 6, 2, 7)

    def test_is_not_by_day(self) -> None:
        assert find_opening(build_hours(), now=at(2026, 6, 1, 12)) is None

    def test_uses_the_agreements_zone_and_not_the_servers(self) -> None:
        now = datetime(2026, 6, 2, 5, tzinfo=UTC)
        assert find_opening(build_hours(), now=now) == at(2026, 6, 2, 7)
        assert find_opening(build_hours(ZoneInfo("Asia/Tokyo")), now=now) is None

    def test_is_an_hour_shorter_when_the_clocks_go_forward_and_longer_when_they_go_back(self) -> None:
        for evening, hours in (
            (at(2027, 3, 13, 21), 9),
            (at(2026, 10, 31, 21), 11),
            (at(2026, 6, 1, 21), 10),
        ):
            opened = find_opening(build_hours(), now=evening)
            assert opened
            assert opened - evening.astimezone(UTC) == timedelta(hours=hours)

    def test_ending_at_a_skipped_time_ends_after_the_jump(self) -> None:
        # The clock jumps from 2:00 to 3:00, past 2:30.
        assert find_opening(build_hours(ends=time(2, 30)), now=at(2027, 3, 13, 22)) == at(2027, 3, 14, 3)

    def test_ending_at_a_repeated_time_ends_at_the_second(self) -> None:
        opened = find_opening(build_hours(ends=time(1, 30)), now=at(2026, 10, 31, 22))
        assert opened == at(2026, 11, 1, 1, 30).replace(fold=1).astimezone(UTC)

    def test_inside_a_skipped_hour_is_left_out(self) -> None:
        skipped = build_hours(begins=time(2, 10), ends=time(2, 40))
        days = [begins.astimezone(LA).day for begins, _ends in skipped.list_intervals(at(2027, 3, 14, 12))]
        assert days == [12, 13, 15, 16]

    @given(st.times(), st.times(), MOMENTS, st.sampled_from(ZONES))
    def test_always_ends_and_never_in_the_past(
        self, begins: time, ends: time, now: datetime, zone: str
    ) -> None:
        if begins == ends:
            return
        opened = find_opening(build_hours(ZoneInfo(zone), begins, ends), now=now)
        # Two days, because an opening inside a repeated hour is left out.
        assert opened is None or timedelta() < opened - now <= 2 * DAY + timedelta(hours=2)


class TestTwoAgreements:
    def test_adjoining_intervals_are_joined(self) -> None:
        early = build_hours(begins=time(20), ends=time(22))
        noon = build_hours(begins=time(12), ends=time(13))
        assert find_opening(early, build_hours(), now=at(2026, 6, 1, 20, 30)) == at(2026, 6, 2, 7)
        assert find_opening(noon, build_hours(), now=at(2026, 6, 1, 12, 30)) == at(2026, 6, 1, 13)

    def test_can_fill_the_whole_day(self) -> None:
        assert (
            find_opening(build_hours(begins=time(7), ends=time(21)), build_hours(), now=at(2026, 6, 1, 12))
            is not None
        )

    def test_in_two_zones_end_with_the_later_one(self) -> None:
        new_york = ZoneInfo("America/New_York")
        quiet = find_quiet_end([build_hours(new_york), build_hours(LA)], now=at(2026, 6, 1, 22))
        assert quiet
        assert (quiet.at, quiet.zone) == (at(2026, 6, 2, 7), LA)
        # At 18:30 in Los Angeles, quiet hours have started in New York.
        assert find_opening(build_hours(new_york), build_hours(LA), now=at(2026, 6, 1, 18, 30)) == at(
            2026, 6, 2, 7
        )


class TestAnotherZone:
    @given(MOMENTS, st.sampled_from(ZONES), st.sampled_from(ZONES), st.sampled_from(HOURS))
    def test_starts_the_next_day_and_never_during_a_night(
        self, now: datetime, old: str, new: str, hours: tuple[time, time]
    ) -> None:
        before, after = build_hours(ZoneInfo(old), *hours), build_hours(ZoneInfo(new), *hours)
        since = get_new_zone_start(day_after=now, zone=before.zone, quiet=before)
        assert now < since
        assert since.astimezone(before.zone).date() == now.astimezone(before.zone).date() + DAY
        agreed = [
            QuietHours(begins=hours[0], ends=hours[1], zone=before.zone, before=since),
            QuietHours(begins=hours[0], ends=hours[1], zone=after.zone, since=since),
        ]
        assert find_opening(before, now=since) is None
        for hour in range(-12, 60):
            moment = now + timedelta(hours=hour)
            rule = before if moment < since else after
            assert bool(find_opening(*agreed, now=moment)) == bool(find_opening(rule, now=moment))

    def test_chosen_at_10_pm_does_not_end_this_night(self) -> None:
        now = at(2026, 6, 1, 22)
        since = get_new_zone_start(day_after=now, zone=LA, quiet=build_hours())
        assert since == at(2026, 6, 2, 7)
        moved = [
            QuietHours(begins=time(21), ends=time(7), zone=LA, before=since),
            QuietHours(begins=time(21), ends=time(7), zone=MADRID, since=since),
        ]
        assert find_opening(*moved, now=now) == at(2026, 6, 2, 7)
        assert find_opening(*moved, now=at(2026, 6, 2, 21, 30, zone=MADRID)) == at(2026, 6, 3, 7, zone=MADRID)

    def test_starts_at_midnight_without_quiet_hours(self) -> None:
        assert get_new_zone_start(day_after=at(2026, 6, 1, 22), zone=LA, quiet=None) == at(2026, 6, 2)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)), st.sampled_from(ZONES))  # noqa: DTZ001
def test_a_wall_clock_time_is_found_in_every_zone(wall: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    first, last = get_first_instant(wall, zone), get_last_instant(wall, zone)
    assert first <= last
    for change in (first, last):
        local = change.astimezone(zone).replace(tzinfo=None)
        # A skipped time maps to the jump: just before it, the clock showed an earlier time.
        assert local == wall or (
            local > wall > (change - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
        )
