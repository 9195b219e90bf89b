"""Ages from a month and a year: the later date for 13, the earlier one for 18."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.age import calculate_age, is_adult, is_too_young

MAY_2010 = date(2010, 5, 1)
DAYS = st.dates(date(1950, 1, 1), date(2080, 12, 31))


@pytest.mark.parametrize(
    ("on", "age"),
    [
        (date(2010, 5, 1), 0),
        (date(2009, 1, 1), 0),
        (date(2023, 4, 30), 12),
        (date(2023, 5, 1), 12),
        (date(2023, 5, 31), 12),
        (date(2023, 6, 1), 13),
        (date(2024, 5, 31), 13),
        (date(2024, 6, 1), 14),
    ],
)
def test_a_year_counts_once_the_birth_month_is_over(on: date, age: int) -> None:
    assert calculate_age(born=MAY_2010, on=on) == age


@pytest.mark.parametrize(("on", "young"), [(date(2023, 5, 31), True), (date(2023, 6, 1), False)])
def test_thirteen_counts_after_the_birth_month(on: date, *, young: bool) -> None:
    assert is_too_young(born=MAY_2010, on=on) is young


@pytest.mark.parametrize(("on", "grown"), [(date(2028, 4, 30), False), (date(2028, 5, 1), True)])
def test_adulthood_counts_from_the_start_of_the_birth_month(on: date, *, grown: bool) -> None:
    assert is_adult(born=MAY_2010, on=on) is grown


def test_december_has_a_next_month() -> None:
    assert is_too_young(born=date(2010, 12, 1), on=date(2023, 12, 31))
    assert not is_too_young(born=date(2010, 12, 1), on=date(2024, 1, 1))


@given(birthday=DAYS, on=DAYS)
def test_an_age_is_never_too_high_at_thirteen_or_too_low_at_eighteen(birthday: date, on: date) -> None:
    born = birthday.replace(day=1)
    true_age = on.year - birthday.year - ((on.month, on.day) < (birthday.month, birthday.day))
    assert calculate_age(born=born, on=on) <= max(0, true_age)
    if not is_too_young(born=born, on=on):
        assert true_age >= 13
    if true_age >= 18:
        assert is_adult(born=born, on=on)
