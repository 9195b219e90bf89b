"""How old somebody is who told only the month and year of their birth.

The day is not asked, so an age is true only for a whole month. Where it opens something to a child, the later reading
counts: thirteen is who can look back on the whole month of their thirteenth birthday. Where it ends something, the
earlier one does: grown up is who has come to the month of their eighteenth."""

from datetime import date

MINIMUM_AGE = 13
ADULT_AGE = 18
MONTHS_PER_YEAR = 12


def _count_months(born: date, on: date) -> int:
    return (on.year - born.year) * MONTHS_PER_YEAR + on.month - born.month


def calculate_age(*, born: date, on: date) -> int:
    """Whole years that are over for certain: a year counts once the birth month is over. Never below zero."""
    return max(0, (_count_months(born, on) - 1) // MONTHS_PER_YEAR)


def is_too_young(*, born: date, on: date) -> bool:
    """Whether somebody may still be twelve."""
    return calculate_age(born=born, on=on) < MINIMUM_AGE


def get_latest_adult_birth_month(on: date) -> date:
    """Born in this month or before it, someone is grown up: the first of the month."""
    return date(on.year - ADULT_AGE, on.month, 1)


def is_adult(*, born: date, on: date) -> bool:
    """Whether the month of the eighteenth birthday has begun."""
    return _count_months(born, on) >= ADULT_AGE * MONTHS_PER_YEAR


class TooYoung(Exception):
    """Somebody is not yet thirteen, so no account may be made. Nothing of what they typed is kept."""
