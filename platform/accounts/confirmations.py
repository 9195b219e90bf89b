"""Addresses that are confirmed, and accounts whose address nobody has confirmed yet.

There is one such account for an address, and it is forgotten after some days.
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

# The link in the mail works for three days. Whoever comes back later signs up again.
UNCONFIRMED_RETENTION = timedelta(days=7)

type Saved = tuple[Person | None, HttpResponse | None]


def list_unconfirmed_people() -> QuerySet[Person]:
    """People who signed up, have never confirmed an address and have never been let in."""
    confirmed = EmailAddress.objects.filter(user=OuterRef("pk"), verified=True)
    return Person.objects.filter(unconfirmed_since__isnull=False, last_login=None).exclude(Exists(confirmed))


def create_or_get_account(
    *, known: bool, save: Callable[[], Saved], refuse: Callable[[], Saved], email: str, password: str
) -> Saved:
    """Make the account of a sign-up, or find that of the same sign-up that was quicker.

    `known` says that the address was found in an account. `save` makes one, and `refuse` answers as if it had and mails
    the address's owner that there is one. The database lets an address into one account, so of several sign-ups at once
    one saves. Another with the same password is the same person, who pressed twice or lost the mail: the link is sent
    again. In every case a password is hashed, so that the time tells no more than the page does.
    """
    if not known:
        try:
            with transaction.atomic():
                return save()
        except IntegrityError:
            # Another sign-up with this address was quicker, by less than it takes to hash a password.
            if not filter_users_by_email(email):
                raise
    return _find_unconfirmed_person(email, password) or refuse()


def _find_unconfirmed_person(email: str, password: str) -> Saved | None:
    """The account of an address that is not confirmed yet, for someone who knows its password."""
    owner: Person | None = next(iter(filter_users_by_email(email, prefer_verified=True)), None)
    is_theirs = check_password(password, owner.password if owner else UNUSABLE_PASSWORD_PREFIX)
    if owner and is_theirs and list_unconfirmed_people().filter(pk=owner.pk).exists():
        return owner, None
    return None


@receiver(email_confirmed)
def clear_unconfirmed(email_address: EmailAddress, **_more: Any) -> None:
    Person.objects.filter(pk=email_address.user_id).update(unconfirmed_since=None)


def delete_unconfirmed_accounts(*, now: datetime | None = None) -> int:
    """Erase the accounts that were not confirmed in time, with all that belongs to them. Returns how many."""
    before = (now or timezone.now()) - UNCONFIRMED_RETENTION
    due = list_unconfirmed_people().filter(unconfirmed_since__lt=before)
    return sum(
        _erase_unconfirmed_person(person_id, before) for person_id in list(due.values_list("pk", flat=True))
    )


@transaction.atomic
def _erase_unconfirmed_person(person_id: int, before: datetime) -> bool:
    # Locked, as confirming does: whoever confirms at this moment keeps the account, or finds the link too old.
    due = list_unconfirmed_people().filter(unconfirmed_since__lt=before)
    person = due.select_for_update(of=("self",)).filter(pk=person_id).first()
    return person is not None and services.erase_person(person=person)


def erase_other_unconfirmed(*, email_address: EmailAddress) -> None:
    """Whoever confirms an address has it: what others began with it and never confirmed goes, in this transaction."""
    others = (
        list_unconfirmed_people().filter(email__iexact=email_address.email).exclude(pk=email_address.user_id)
    )
    for other in others:
        services.erase_person(person=other)


@receiver(email_confirmed)
def record_confirmation(email_address: EmailAddress, **_more: Any) -> None:
    MailboxConfirmation.objects.get_or_create(address=email_address)


def get_mailbox_confirmed_at(person: Person) -> datetime | None:
    """When the first of a person's addresses was confirmed; None without one. A changed address counts anew."""
    confirmed = MailboxConfirmation.objects.filter(address__user=person, address__verified=True)
    first = confirmed.order_by("confirmed_at").first()
    return first.confirmed_at if first else None
