"""How old somebody is who told only the month and year of their birth.

The day is not asked, so an age is true only for a whole month. Where it opens something to a child, the later reading
counts: thirteen is who can look back on the whole month of their thirteenth birthday. Where it ends something, the
earlier one does: grown up is who has come to the month of their eighteenth."""

from datetime import date

YOUNGEST = 13
GROWN_UP = 18
MONTHS = 12


def _months(born: date, on: date) -> int:
    return (on.year - born.year) * MONTHS + on.month - born.month


def age_at(*, born: date, on: date) -> int:
    """Whole years that are over for certain: a year counts once the birth month is over. Never below zero."""
    return max(0, (_months(born, on) - 1) // MONTHS)


def is_too_young(*, born: date, on: date) -> bool:
    """Whether somebody may still be twelve."""
    return age_at(born=born, on=on) < YOUNGEST


def latest_birth_of_grown_ups(on: date) -> date:
    """Born in this month or before it, someone is grown up: the first of the month."""
    return date(on.year - GROWN_UP, on.month, 1)


def is_grown_up(*, born: date, on: date) -> bool:
    """Whether the month of the eighteenth birthday has begun."""
    return _months(born, on) >= GROWN_UP * MONTHS


class TooYoung(Exception):
    """Somebody is not yet thirteen, so no account may be made. Nothing of what they typed is kept."""
