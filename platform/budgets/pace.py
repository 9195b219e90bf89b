"""When a budget runs out at the pace at which it has been spent so far. No database access."""

from datetime import datetime, timedelta
from fractions import Fraction

# One busy first evening says nothing about a month, so there is no statement in the first tenth of a period.
EARLY_PARTS = 10
MICROSECOND = timedelta(microseconds=1)


def find_exhaustion(
    *, spent: int, limit: int, starts_at: datetime, ends_at: datetime, now: datetime
) -> datetime | None:
    """Return when `spent` reaches `limit` if it goes on as it has in this period; None if the period ends first.

    `spent` and `limit` are in one unit, tokens or micro-dollars. Return `now` if the limit is reached already, and
    None in the first tenth of the period, which says too little.
    """
    if spent >= limit:
        return now
    if spent <= 0 or is_early(starts_at=starts_at, ends_at=ends_at, now=now):
        return None
    # In whole numbers: a timedelta may be too small for what an almost idle site would take to reach its limit.
    lasts = (now - starts_at) // MICROSECOND * limit // spent
    return starts_at + lasts * MICROSECOND if lasts < (ends_at - starts_at) // MICROSECOND else None


def estimate_at_end(*, spent: int, starts_at: datetime, ends_at: datetime, now: datetime) -> int | None:
    """Return what a period will have spent at its end if it goes on as it has; None in its first tenth."""
    if is_early(starts_at=starts_at, ends_at=ends_at, now=now):
        return None
    elapsed = min(now, ends_at) - starts_at
    return round(spent * Fraction((ends_at - starts_at) // MICROSECOND, elapsed // MICROSECOND))


def is_early(*, starts_at: datetime, ends_at: datetime, now: datetime) -> bool:
    """Return whether less than a tenth of a period is over."""
    return (now - starts_at) * EARLY_PARTS < ends_at - starts_at
