"""Confirmed email addresses, and accounts whose address is not confirmed yet.

An address has at most one unconfirmed account, which is deleted after UNCONFIRMED_RETENTION.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed
from allauth.account.utils import filter_users_by_email
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, check_password
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.dispatch import receiver
from django.http import HttpResponse
from django.utils import timezone

from accounts.models import MailboxConfirmation, Person
from privacy import services

# The emailed link works for three days. After that, people sign up again.
UNCONFIRMED_RETENTION = timedelta(days=7)

type Saved = tuple[Person | None, HttpResponse | None]


def list_unconfirmed_people() -> QuerySet[Person]:
    """Return people who signed up, never confirmed an address and never signed in."""
    confirmed = EmailAddress.objects.filter(user=OuterRef("pk"), verified=True)
    return Person.objects.filter(unconfirmed_since__isnull=False, last_login=None).exclude(Exists(confirmed))


def create_or_get_account(
    *, is_known: bool, save: Callable[[], Saved], refuse: Callable[[], Saved], email: str, password: str
) -> Saved:
    """Create the account of a sign-up, or return the one that a simultaneous sign-up has just created.

    `is_known` says that an account has the address. `save` creates the account. `refuse` answers as if it had, and
    emails the owner that they already have one. The database allows an address once, so only one of several
    simultaneous sign-ups saves. A second one with the same password is the same person (a double click, or a lost
    email) and gets the link again. Every path hashes a password, so that timing reveals nothing.
    """
    if not is_known:
        try:
            with transaction.atomic():
                return save()
        except IntegrityError:
            # A simultaneous sign-up with this address saved first.
            if not filter_users_by_email(email):
                raise
    return _find_unconfirmed_person(email, password) or refuse()


def _find_unconfirmed_person(email: str, password: str) -> Saved | None:
    """Return the unconfirmed account of `email` if `password` is its password, else None. Always hashes once."""
    owner: Person | None = next(iter(filter_users_by_email(email, prefer_verified=True)), None)
    is_theirs = check_password(password, owner.password if owner else UNUSABLE_PASSWORD_PREFIX)
    if owner and is_theirs and list_unconfirmed_people().filter(pk=owner.pk).exists():
        return owner, None
    return None


@receiver(email_confirmed)
def clear_unconfirmed(email_address: EmailAddress, **_more: Any) -> None:
    """Keep the account: its address is confirmed. A receiver of allauth's signal."""
    Person.objects.filter(pk=email_address.user_id).update(unconfirmed_since=None)


def delete_unconfirmed_accounts(*, now: datetime | None = None) -> int:
    """Erase accounts that weren't confirmed in time, with all their data. Return how many."""
    before = (now or timezone.now()) - UNCONFIRMED_RETENTION
    due = list_unconfirmed_people().filter(unconfirmed_since__lt=before)
    return sum(
        _erase_unconfirmed_person(person_id, before) for person_id in list(due.values_list("pk", flat=True))
    )


@transaction.atomic
def _erase_unconfirmed_person(person_id: int, before: datetime) -> bool:
    # Lock the row, as confirming does: a simultaneous confirmation either keeps the account or finds the link expired.
    due = list_unconfirmed_people().filter(unconfirmed_since__lt=before)
    person = due.select_for_update(of=("self",)).filter(pk=person_id).first()
    return person is not None and services.erase_person(person=person)


def erase_other_unconfirmed(*, email_address: EmailAddress) -> None:
    """Erase other unconfirmed accounts with this address, in the caller's transaction.

    The person who confirms it keeps it.
    """
    others = (
        list_unconfirmed_people().filter(email__iexact=email_address.email).exclude(pk=email_address.user_id)
    )
    for other in others:
        services.erase_person(person=other)


@receiver(email_confirmed)
def record_confirmation(email_address: EmailAddress, **_more: Any) -> None:
    """Record when an address was confirmed, for verification by mailbox. A receiver of allauth's signal."""
    MailboxConfirmation.objects.get_or_create(address=email_address)


def get_mailbox_confirmed_at(person: Person) -> datetime | None:
    """Return when the person first confirmed one of their current addresses, or None.

    A changed address counts anew.
    """
    confirmed = MailboxConfirmation.objects.filter(address__user=person, address__verified=True)
    first = confirmed.order_by("confirmed_at").first()
    return first.confirmed_at if first else None
