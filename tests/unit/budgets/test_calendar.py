"""Days, weeks and months start at 7 a.m. in the budget's time zone."""

import zoneinfo
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgets.calendar import PeriodBounds, PeriodLength, compute_period_bounds

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
ZONES = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})
moments = st.datetimes(datetime(2026, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def day_at(now: datetime, zone: ZoneInfo, *, after: datetime | None = None) -> PeriodBounds:
    return compute_period_bounds(now, zone, period_length=PeriodLength.DAY, after=after)


def la_time(*when: int) -> datetime:
    return datetime(*when, tzinfo=LOS_ANGELES)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("now", "starts_at", "ends_at"),
    [
        (la_time(2026, 11, 25, 12), la_time(2026, 11, 25, 7), la_time(2026, 11, 26, 7)),
        (la_time(2026, 11, 25, 7), la_time(2026, 11, 25, 7), la_time(2026, 11, 26, 7)),
        (
            la_time(2026, 11, 25, 6, 59),
            la_time(2026, 11, 24, 7),
            la_time(2026, 11, 25, 7),
        ),
        (
            la_time(2026, 11, 26, 0, 30),
            la_time(2026, 11, 25, 7),
            la_time(2026, 11, 26, 7),
        ),
    ],
    ids=["noon", "seven sharp", "a minute to seven", "past midnight"],
)
def test_the_day_begins_at_seven(now: datetime, starts_at: datetime, ends_at: datetime) -> None:
    assert day_at(now, LOS_ANGELES) == PeriodBounds(starts_at, ends_at, timedelta(days=1))


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (la_time(2026, 3, 7, 20), 23),
        (la_time(2026, 10, 31, 20), 25),
        (la_time(2026, 6, 1, 20), 24),
    ],
    ids=["the clocks go forward", "the clocks go back", "they stand"],
)
def test_a_day_is_as_long_as_the_clocks_make_it(now: datetime, hours: int) -> None:
    day = day_at(now, LOS_ANGELES)
    # Subtract in UTC: Python subtracts two times of the same zone by their local values.
    assert day.ends_at.astimezone(UTC) - day.starts_at.astimezone(UTC) == timedelta(hours=hours)
    assert (
        day.starts_at.astimezone(LOS_ANGELES).time() == day.ends_at.astimezone(LOS_ANGELES).time() == time(7)
    )
    assert day.prorate(1000) == 1000


@pytest.mark.parametrize(
    ("period_length", "now", "starts_at", "ends_at"),
    [
        (
            PeriodLength.WEEK,
            la_time(2026, 11, 25, 12),
            la_time(2026, 11, 23, 7),
            la_time(2026, 11, 30, 7),
        ),
        (
            PeriodLength.WEEK,
            la_time(2026, 11, 30, 6, 59),
            la_time(2026, 11, 23, 7),
            la_time(2026, 11, 30, 7),
        ),
        (
            PeriodLength.WEEK,
            la_time(2026, 11, 30, 7),
            la_time(2026, 11, 30, 7),
            la_time(2026, 12, 7, 7),
        ),
        (
            PeriodLength.MONTH,
            la_time(2026, 12, 1, 6, 59),
            la_time(2026, 11, 1, 7),
            la_time(2026, 12, 1, 7),
        ),
        (
            PeriodLength.MONTH,
            la_time(2026, 12, 1, 7),
            la_time(2026, 12, 1, 7),
            la_time(2027, 1, 1, 7),
        ),
        (
            PeriodLength.MONTH,
            la_time(2028, 2, 29, 12),
            la_time(2028, 2, 1, 7),
            la_time(2028, 3, 1, 7),
        ),
    ],
    ids=[
        "a Wednesday",
        "before Monday at seven",
        "Monday at seven",
        "before the 1st",
        "the 1st",
        "a leap day",
    ],
)
def test_a_week_begins_on_monday_and_a_month_on_the_1st(
    period_length: PeriodLength, now: datetime, starts_at: datetime, ends_at: datetime
) -> None:
    span = compute_period_bounds(now, LOS_ANGELES, period_length=period_length)
    assert (span.starts_at, span.ends_at) == (starts_at, ends_at)
    assert span.prorate(1000) == 1000


def test_a_month_that_begins_late_grants_its_part() -> None:
    began = la_time(2026, 11, 21, 7).astimezone(UTC)
    span = compute_period_bounds(
        la_time(2026, 11, 25, 12), LOS_ANGELES, period_length=PeriodLength.MONTH, after=began
    )
    assert span.starts_at == began
    assert span.prorate(3000) == 1000


@given(moments, st.sampled_from(ZONES), st.sampled_from(PeriodLength))
def test_in_every_zone_periods_contain_their_moment_and_join(
    now: datetime, name: str, period_length: PeriodLength
) -> None:
    zone = ZoneInfo(name)
    span = compute_period_bounds(now, zone, period_length=period_length)
    assert span.starts_at <= now < span.ends_at
    assert span.starts_at.astimezone(zone).time() == span.ends_at.astimezone(zone).time() == time(7)
    assert compute_period_bounds(span.ends_at, zone, period_length=period_length).starts_at == span.ends_at
    assert span.prorate(1000) == 1000


@given(st.lists(st.tuples(st.sampled_from(ZONES), st.integers(1, 20 * 60)), min_size=2, max_size=40), moments)
def test_hopping_from_zone_to_zone_never_gains_a_day(hops: list[tuple[str, int]], now: datetime) -> None:
    first = day = day_at(now, ZoneInfo(hops[0][0]))
    granted = day.prorate(24_000)
    for name, minutes in hops:
        now += timedelta(minutes=minutes)
        if now < day.ends_at:
            continue
        following = day_at(now, ZoneInfo(name), after=day.ends_at)
        assert day.ends_at <= following.starts_at <= now < following.ends_at
        day = following
        granted += day.prorate(24_000)
    # A 22-hour day can count as a full one, so allow 24,000 tokens per 22 hours.
    assert granted <= 24_000 * (day.ends_at - first.starts_at) / timedelta(hours=22)


def test_going_two_hours_east_a_day_refills_two_hours_less() -> None:
    """Shortened days grant a proportional share: twelve 22-hour days grant as much as eleven full ones."""
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    day = day_at(now, ZoneInfo("Etc/GMT+10"))
    granted = 0
    for hours in range(-8, 15, 2):
        zone = ZoneInfo(f"Etc/GMT{-hours:+}")
        day = day_at(day.ends_at, zone, after=day.ends_at)
        granted += day.prorate(24_000)
    assert granted == 12 * 22_000


@pytest.mark.parametrize("name", [
    "America/Los_Angeles", "Europe/Madrid", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Chatham",
    "Asia/Kathmandu", "Antarctica/Troll", "Atlantic/Azores", "America/St_Johns", "America/Santiago", "Pacific/Apia",
])  # fmt: skip
def test_a_year_of_days_begins_at_seven_and_each_refills_whole(name: str) -> None:
    zone, days = ZoneInfo(name), 0
    day = day_at(datetime(2027, 1, 1, 12, tzinfo=UTC), zone)
    while day.starts_at.year < 2028:
        assert day.starts_at.astimezone(zone).time() == time(7)
        assert day.prorate(24_000) == 24_000
        following = day_at(day.ends_at, zone, after=day.ends_at)
        assert following.starts_at == day.ends_at
        assert following.starts_at.astimezone(zone).date() == day.starts_at.astimezone(
            zone
        ).date() + timedelta(1)
        day, days = following, days + 1
    assert days in {365, 366}
