"""A day goes from seven in the morning to seven in the morning, where its person lives."""

import zoneinfo
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgets.days import Day, day_at

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
ZONES = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})
moments = st.datetimes(datetime(2026, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def la(*when: int) -> datetime:
    return datetime(*when, tzinfo=LOS_ANGELES)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("now", "starts_at", "ends_at"),
    [
        (la(2026, 11, 25, 12), la(2026, 11, 25, 7), la(2026, 11, 26, 7)),
        (la(2026, 11, 25, 7), la(2026, 11, 25, 7), la(2026, 11, 26, 7)),
        (la(2026, 11, 25, 6, 59), la(2026, 11, 24, 7), la(2026, 11, 25, 7)),
        (la(2026, 11, 26, 0, 30), la(2026, 11, 25, 7), la(2026, 11, 26, 7)),
    ],
    ids=["noon", "seven sharp", "a minute to seven", "past midnight"],
)
def test_the_day_begins_at_seven(now: datetime, starts_at: datetime, ends_at: datetime) -> None:
    assert day_at(now, LOS_ANGELES) == Day(starts_at, ends_at)


@pytest.mark.parametrize(
    ("now", "hours"),
    [(la(2026, 3, 7, 20), 23), (la(2026, 10, 31, 20), 25), (la(2026, 6, 1, 20), 24)],
    ids=["the clocks go forward", "the clocks go back", "they stand"],
)
def test_a_day_is_as_long_as_the_clocks_make_it(now: datetime, hours: int) -> None:
    day = day_at(now, LOS_ANGELES)
    # Subtracted in UTC: Python subtracts two times of one zone by their faces.
    assert day.ends_at.astimezone(UTC) - day.starts_at.astimezone(UTC) == timedelta(hours=hours)
    assert (
        day.starts_at.astimezone(LOS_ANGELES).time() == day.ends_at.astimezone(LOS_ANGELES).time() == time(7)
    )
    assert day.share_of(1000) == 1000


@given(moments, st.sampled_from(ZONES))
def test_in_every_zone_a_moment_lies_in_its_day_and_the_days_join(now: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    day = day_at(now, zone)
    assert day.starts_at <= now < day.ends_at
    assert day.starts_at.astimezone(zone).time() == day.ends_at.astimezone(zone).time() == time(7)
    assert day_at(day.ends_at, zone).starts_at == day.ends_at
    assert day.share_of(1000) == 1000


@given(st.lists(st.tuples(st.sampled_from(ZONES), st.integers(1, 20 * 60)), min_size=2, max_size=40), moments)
def test_hopping_from_zone_to_zone_never_gains_a_day(hops: list[tuple[str, int]], now: datetime) -> None:
    first = day = day_at(now, ZoneInfo(hops[0][0]))
    granted = day.share_of(24_000)
    for name, minutes in hops:
        now += timedelta(minutes=minutes)
        if now < day.ends_at:
            continue
        following = day_at(now, ZoneInfo(name), after=day.ends_at)
        assert day.ends_at <= following.starts_at <= now < following.ends_at
        day = following
        granted += day.share_of(24_000)
    # A day of 22 hours counts as whole, so at most 24,000 tokens for every 22 hours that the days cover.
    assert granted <= 24_000 * (day.ends_at - first.starts_at) / timedelta(hours=22)
