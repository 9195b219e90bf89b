"""Erases people, and keeps the record of it. Keyword-only, one transaction each."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import OperationalError, transaction
from django.utils import timezone
from psycopg.errors import DeadlockDetected

from kit.person import Person
from privacy import registry
from privacy.models import ErasedPerson

MAX_TRIES = 4
# The longest time a backup may be kept (docs/operations.md).
BACKUP_RETENTION = timedelta(days=90)


class LastAdmin(Exception):
    """The person is the last active superuser and cannot be erased."""


def erase_person(*, person: Person) -> bool:
    """Erase a person: their sessions, everything rooms registered about them, and their row. All or nothing.

    Rooms erase in settings.ERASE_ORDER, which is also the ledger's lock order (budgets.postings). Return False if the
    person is already gone. Raises LastAdmin.
    """
    # A question being saved locks the person last, at its commit; we lock them first. PostgreSQL breaks the deadlock.
    # If it cancels us, try again: the question then exists and is erased.
    for _ in range(MAX_TRIES - 1):
        try:
            return _erase_once(person)
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected):
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
    """Return whether the person is the only active superuser. Takes no lock: `erase_person` checks again."""
    admins = Person.objects.filter(is_superuser=True, is_active=True)
    return admins.filter(pk=person.pk).exists() and not admins.exclude(pk=person.pk).exists()


def erase_again(*, keys: Iterable[tuple[int, datetime]]) -> int:
    """Erase the accounts with these keys (primary key, time of joining) if they exist. Return how many.

    For a database restored from a backup older than their erasure. Each account has its own transaction, so that an
    interrupted command can be repeated. Raises LastAdmin.
    """
    count = 0
    for key, joined_at in keys:
        person = Person.objects.filter(pk=key, joined_at=joined_at).first()
        count += person is not None and erase_person(person=person)
    return count


@transaction.atomic
def delete_expired_erasures(*, now: datetime | None = None) -> int:
    """Delete records of erasures older than BACKUP_RETENTION. Return how many."""
    before = (now or timezone.now()) - BACKUP_RETENTION
    return ErasedPerson.objects.filter(erased_at__lt=before).delete()[0]


def _lock_person(person: Person) -> Person | None:
    """Lock and return the person's row, or None. Nothing new can reference it until the transaction ends."""
    # Lock all admins in key order, so that of the last two, erased at the same time, one stays.
    wanted = Person.objects.filter(pk=person.pk) | Person.objects.filter(is_superuser=True, is_active=True)
    if not person.is_superuser:
        wanted = Person.objects.filter(pk=person.pk)
    rows = {row.pk: row for row in wanted.select_for_update().order_by("pk")}
    locked = rows.pop(person.pk, None)
    if locked and locked.is_superuser and not rows:
        raise LastAdmin
    return locked
