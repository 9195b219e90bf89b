"""What is done with people: made and changed; and sessions forgotten. Keyword-only, one transaction each."""

from datetime import date, datetime

from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from accounts.age import TooYoung, is_too_young
from accounts.models import Person, Role
from accounts.names import validate_own_username
from accounts.zones import find_canonical_zone


@transaction.atomic
def delete_expired_sessions(*, now: datetime | None = None) -> int:
    """Delete the sessions that have ended, and with them what visitors did in them. Returns how many."""
    ended = Session.objects.filter(expire_date__lt=now or timezone.now())
    return ended.delete()[0]


@transaction.atomic
def create_teen(
    *,
    username: str,
    display_name: str,
    password: str,
    born: date,
    time_zone: str,
    is_zone_confirmed: bool = False,
    on: date | None = None,
) -> Person:
    """Make a teen's account. `born` is any day of the birth month; only the month is kept.

    Whether the teen may chat is not decided here. `on` is the day that it is, for tests. The password is taken as
    it is: a form has judged it.

    Raises TooYoung before thirteen, and then nothing is written; ValidationError for a username that is taken or
    cannot be one, and for a time zone that is none.
    """
    if is_too_young(born=born, on=on or timezone.localdate()):
        raise TooYoung
    validate_own_username(username)
    person = Person(
        username=Person.normalize_username(username),
        display_name=display_name,
        role=Role.TEEN,
        born=born.replace(day=1),
        time_zone=find_canonical_zone(time_zone) or time_zone,
        is_zone_confirmed=is_zone_confirmed,
    )
    person.set_password(password)
    person.full_clean()
    person.save()
    return person


@transaction.atomic
def update_person(*, person: Person, display_name: str, time_zone: str) -> Person:
    """Change what somebody may change about themselves. Raises ValidationError for a time zone that is none.

    The zone is that of the times that they read. Quiet hours are on their agreement's own (families.quiet_hours).
    """
    person.display_name = display_name
    person.time_zone = find_canonical_zone(time_zone) or time_zone
    person.is_zone_confirmed = True
    person.full_clean()
    person.save(update_fields=["display_name", "time_zone", "is_zone_confirmed"])
    return person
