"""The erasure of people, and of what is kept of it. Keyword-only, one transaction each."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import OperationalError, transaction
from django.utils import timezone
from psycopg.errors import DeadlockDetected

from kit.person import Person
from privacy import registry
from privacy.models import ErasedPerson

MAX_TRIES = 4
# How long an operator may keep a backup (docs/operations.md).
BACKUP_RETENTION = timedelta(days=90)


class LastAdmin(Exception):
    """The last person who can open everything was to be erased."""


def erase_person(*, person: Person) -> bool:
    """Erase somebody: their sessions, everything that a room has registered about them, and their row.

    It happens as a whole or not at all. The rooms erase in the order of ERASE_ORDER, as the ledger locks
    (budgets.postings). False when the person is gone already, also when that happens while we wait for it.
    Raises LastAdmin.
    """
    # A question that is being taken at this moment locks the person last, at its commit, and we lock them first:
    # PostgreSQL lets one of the two go, and where it is us, the question is there to be erased the next time.
    for _ in range(MAX_TRIES - 1):
        try:
            return _erase_once(person)
        except OperationalError as fault:
            if not isinstance(fault.__cause__, DeadlockDetected):
                raise
    return _erase_once(person)


@transaction.atomic
def _erase_once(person: Person) -> bool:
    locked = _lock_person(person)
    if locked is None:
        return False
    for kind in registry.list_kinds():
        kind.erase(locked)
    ErasedPerson.objects.get_or_create(person_key=locked.pk, joined_at=locked.joined_at)
    locked.delete()
    return True


def is_last_admin(person: Person) -> bool:
    """Whether nobody else could open everything if this person were gone. Not locked: `erase_person` decides."""
    admins = Person.objects.filter(is_superuser=True, is_active=True)
    return admins.filter(pk=person.pk).exists() and not admins.exclude(pk=person.pk).exists()


def erase_again(*, keys: Iterable[tuple[int, datetime]]) -> int:
    """Erase the accounts of these keys (a person's number and moment of joining) that are here. Returns how many.

    For a database that was restored from a backup older than their erasure. Each account is a transaction of its own,
    so that a command that breaks off can be started again. Raises LastAdmin.
    """
    count = 0
    for key, joined_at in keys:
        person = Person.objects.filter(pk=key, joined_at=joined_at).first()
        count += person is not None and erase_person(person=person)
    return count


@transaction.atomic
def delete_expired_erasures(*, now: datetime | None = None) -> int:
    """Forget erasures that no backup is older than. Returns how many."""
    before = (now or timezone.now()) - BACKUP_RETENTION
    return ErasedPerson.objects.filter(erased_at__lt=before).delete()[0]


def _lock_person(person: Person) -> Person | None:
    """The person's row, which nothing can point at any more until the transaction ends."""
    # All admins in one order: of the last two, who may go at the same moment, one stays.
    wanted = Person.objects.filter(pk=person.pk) | Person.objects.filter(is_superuser=True, is_active=True)
    if not person.is_superuser:
        wanted = Person.objects.filter(pk=person.pk)
    rows = {row.pk: row for row in wanted.select_for_update().order_by("pk")}
    found = rows.pop(person.pk, None)
    if found and found.is_superuser and not rows:
        raise LastAdmin
    return found
