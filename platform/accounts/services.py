"""Create and change accounts, and delete expired sessions. Keyword-only, one transaction each."""

from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from accounts.age import TooYoung, is_too_young
from accounts.models import Person, Role, Session
from accounts.names import validate_own_username
from accounts.zones import find_canonical_zone


@transaction.atomic
def delete_expired_sessions(*, now: datetime | None = None) -> int:
    """Delete expired sessions, including what visitors did in them. Return how many."""
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
    """Create a teen's account. `born` is any day of the birth month; only the month is stored.

    This doesn't decide whether the teen may chat. `on` is today's date, for tests. The form has already validated
    the password.

    Raises TooYoung before 13 and writes nothing then. Raises ValidationError for a username that is taken or
    invalid, and for an invalid time zone.
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
def update_person(*, person: Person, display_name: str, time_zone: str, language: str = "") -> Person:
    """Change a person's display name, time zone and, if one is given, language.

    The zone applies to the times they read. Quiet hours use the agreement's own zone (families.quiet_hours). Raises
    ValidationError for an invalid value.
    """
    person.display_name = display_name
    person.time_zone = find_canonical_zone(time_zone) or time_zone
    person.is_zone_confirmed = True
    person.language = language or person.language
    person.full_clean()
    person.save(update_fields=["display_name", "time_zone", "is_zone_confirmed", "language"])
    return person
