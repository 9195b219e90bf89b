"""How old somebody is who told us the month of their birth and not the day.

Where the answer opens something it is given late, where it ends something it is given early: nobody is let in
before they may be, and nobody is watched a day longer than they may be.
"""

from datetime import date

LEAST_AGE = 13
GROWN_UP_AGE = 18


def age_surely(born: date, on: date) -> int:
    """Whole years that somebody born in the month `born` has surely reached: a birthday counts after its month."""
    return on.year - born.year - (on.month <= born.month)


def age_at_most(born: date, on: date) -> int:
    """Whole years that they may have reached: a birthday counts from the first of its month on."""
    return on.year - born.year - (on.month < born.month)


def is_too_young(born: date, on: date) -> bool:
    return age_surely(born, on) < LEAST_AGE


def is_grown_up(born: date, on: date) -> bool:
    return age_at_most(born, on) >= GROWN_UP_AGE
