"""“At this pace the month ends on the 19th.”"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgets.pace import estimate_at_end, find_exhaustion

STARTS_AT = datetime(2026, 11, 1, 15, tzinfo=UTC)
ENDS_AT = datetime(2026, 12, 1, 15, tzinfo=UTC)
MONTH = {"starts_at": STARTS_AT, "ends_at": ENDS_AT}


def after(days: float) -> datetime:
    return STARTS_AT + timedelta(days=days)


def test_half_the_money_after_nine_days_lasts_eighteen() -> None:
    assert find_exhaustion(spent=50, limit=100, now=after(9), **MONTH) == after(18)


def test_at_a_third_in_a_third_of_the_month_it_lasts() -> None:
    assert find_exhaustion(spent=100, limit=300, now=after(10), **MONTH) is None
    assert estimate_at_end(spent=100, now=after(10), **MONTH) == 300


@pytest.mark.parametrize("spent", [100, 130])
def test_what_is_used_up_is_used_up_now(spent: int) -> None:
    assert find_exhaustion(spent=spent, limit=100, now=after(1), **MONTH) == after(1)


@pytest.mark.parametrize("days", [0, 1, 2.99])
def test_the_first_tenth_of_a_period_says_nothing(days: float) -> None:
    assert find_exhaustion(spent=99, limit=100, now=after(days), **MONTH) is None
    assert estimate_at_end(spent=99, now=after(days), **MONTH) is None


def test_where_nothing_is_spent_nothing_runs_out() -> None:
    assert find_exhaustion(spent=0, limit=100, now=after(20), **MONTH) is None
    assert estimate_at_end(spent=0, now=after(20), **MONTH) == 0


def test_a_clock_before_the_start_says_nothing() -> None:
    assert find_exhaustion(spent=1, limit=100, now=after(-1), **MONTH) is None


@given(spent=st.integers(0, 10**12), limit=st.integers(1, 10**12), hours=st.integers(72, 720))
def test_it_runs_out_within_the_period_just_if_the_estimate_is_over_the_limit(
    spent: int, limit: int, hours: int
) -> None:
    now = STARTS_AT + timedelta(hours=hours)
    runs_out_at = find_exhaustion(spent=spent, limit=limit, now=now, **MONTH)
    estimate = estimate_at_end(spent=spent, now=now, **MONTH)
    assert estimate is not None
    if runs_out_at is None:
        assert estimate <= limit
    else:
        assert runs_out_at == now or now < runs_out_at < ENDS_AT
        assert estimate >= limit
