"""Ages from the month and year of birth.

We don't ask for the day, so an age is only certain for a whole month. When an age gives a child access, we use the
later date: a person counts as 13 once the whole birth month is over. When an age ends a restriction, we use the
earlier date: a person counts as an adult from the start of the birth month.
"""

from datetime import date

MINIMUM_AGE = 13
ADULT_AGE = 18
MONTHS_PER_YEAR = 12


def _count_months(born: date, on: date) -> int:
    return (on.year - born.year) * MONTHS_PER_YEAR + on.month - born.month


def calculate_age(*, born: date, on: date) -> int:
    """Return the completed years, at least 0. A year counts only once the birth month is over."""
    return max(0, (_count_months(born, on) - 1) // MONTHS_PER_YEAR)


def is_too_young(*, born: date, on: date) -> bool:
    """Return whether the person may still be 12."""
    return calculate_age(born=born, on=on) < MINIMUM_AGE


def get_latest_adult_birth_month(on: date) -> date:
    """Return the first day of the latest birth month whose people are adults on `on`."""
    return date(on.year - ADULT_AGE, on.month, 1)


def is_adult(*, born: date, on: date) -> bool:
    """Return whether the month of the 18th birthday has begun."""
    return _count_months(born, on) >= ADULT_AGE * MONTHS_PER_YEAR


class TooYoung(Exception):
    """The person may not be 13 yet, so no account is created and nothing they typed is kept."""
