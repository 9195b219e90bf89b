"""The cooling-off period: the tutor stays closed after a parent who consented or paused it is unlinked or withdraws.

Only the tutor is closed. A link ends immediately, and with it the parent view; help never closes. That parent
can end the period early by linking or consenting again.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format

from accounts.age import is_adult
from accounts.models import Person
from families.models import CoolingOff

# The same as families.family_deletion.DELETION_DELAY: long enough to talk about it.
COOLING_OFF_PERIOD = timedelta(days=7)


def start_cooling_off(*, teen: Person, parent: Person | None) -> datetime:
    """Close the tutor to a teen for COOLING_OFF_PERIOD. Return its end. Needs the caller's transaction."""
    until = timezone.now() + COOLING_OFF_PERIOD
    CoolingOff.objects.create(teen=teen, parent=parent, until=until)
    return until


def end_cooling_off(*, teen: Person, parent: Person) -> bool:
    """End the cooling-off periods that this parent caused. Return whether there were any."""
    return bool(CoolingOff.objects.filter(teen=teen, parent=parent).delete()[0])


def find_cooling_off_end(
    teen: Person, *, now: datetime | None = None, except_by: Person | None = None
) -> datetime | None:
    """Return when the latest cooling-off period ends, or None. Periods caused by `except_by` do not count.

    Returns None for a teen who has turned 18, because they decide for themselves.
    """
    now = now or timezone.now()
    running = CoolingOff.objects.filter(teen=teen, until__gt=now)
    if except_by:
        running = running.exclude(parent=except_by, parent__isnull=False)
    last = running.order_by("-until").first()
    return None if last is None or has_turned_18(teen, now) else last.until


def can_parents_end_cooling_off(teen: Person) -> bool:
    """Return whether a period is active and every active one was caused by a parent who still has an account."""
    running = CoolingOff.objects.filter(teen=teen, until__gt=timezone.now())
    return running.exists() and not running.filter(parent=None).exists()


def has_turned_18(teen: Person, now: datetime) -> bool:
    return teen.born is not None and is_adult(born=teen.born, on=timezone.localdate(now))


def format_cooling_off_day(until: datetime, person: Person) -> str:
    """Format the end in the person's time zone and language."""
    return date_format(until.astimezone(person.zone), "DATETIME_FORMAT")


@transaction.atomic
def delete_expired_cooling_offs(*, now: datetime | None = None) -> int:
    """Delete periods that have ended. Return how many."""
    return CoolingOff.objects.filter(until__lte=now or timezone.now()).delete()[0]
