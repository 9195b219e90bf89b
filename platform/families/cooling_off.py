"""The days for which the tutor stays closed once a parent who had a say in it has none any more, or has said no.

It is the tutor alone that is closed: a link ends at once, with everything that a parent saw by it, and help never
closes. The parent whose say it was ends the time early, by being linked again or by consenting again.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format

from accounts.age import is_adult
from accounts.models import Person
from families.models import CoolingOff

# As long as a family waits before its accounts are erased: long enough to talk, and to sleep over it.
COOLING_OFF_PERIOD = timedelta(days=7)


def start_cooling_off(*, teen: Person, parent: Person | None) -> datetime:
    """Close the tutor to a teen for COOLING_OFF. Returns when it ends. Runs in its caller's transaction."""
    until = timezone.now() + COOLING_OFF_PERIOD
    CoolingOff.objects.create(teen=teen, parent=parent, until=until)
    return until


def end_cooling_off(*, teen: Person, parent: Person) -> bool:
    """The parent whose say it was has said yes again. Returns whether a time was running by them."""
    return bool(CoolingOff.objects.filter(teen=teen, parent=parent).delete()[0])


def find_cooling_off_end(
    teen: Person, *, now: datetime | None = None, but_of: Person | None = None
) -> datetime | None:
    """Until when the tutor is closed to a teen, times that began with `but_of` left out; None when it is not.

    A teen who has grown up decides alone, and at once.
    """
    now = now or timezone.now()
    running = CoolingOff.objects.filter(teen=teen, until__gt=now)
    if but_of:
        running = running.exclude(parent=but_of, parent__isnull=False)
    last = running.order_by("-until").first()
    return None if last is None or has_turned_18(teen, now) else last.until


def can_parents_end_cooling_off(teen: Person) -> bool:
    """Whether each time that runs began with a parent who is still here, and can end it."""
    running = CoolingOff.objects.filter(teen=teen, until__gt=timezone.now())
    return running.exists() and not running.filter(parent=None).exists()


def has_turned_18(teen: Person, now: datetime) -> bool:
    return teen.born is not None and is_adult(born=teen.born, on=timezone.localdate(now))


def format_cooling_off_day(until: datetime, person: Person) -> str:
    """When the time ends, on a person's clock and in the words of their language."""
    return date_format(until.astimezone(person.zone), "DATETIME_FORMAT")


@transaction.atomic
def delete_expired_cooling_offs(*, now: datetime | None = None) -> int:
    """Delete the times that are over. Returns how many there were."""
    return CoolingOff.objects.filter(until__lte=now or timezone.now()).delete()[0]
