"""Since when a mailbox is known to be its owner's."""

from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed
from django.dispatch import receiver

from accounts.models import MailboxConfirmation, Person


@receiver(email_confirmed)
def record_confirmation(email_address: EmailAddress, **_more: Any) -> None:
    MailboxConfirmation.objects.get_or_create(address=email_address)


def mailbox_confirmed_at(person: Person) -> datetime | None:
    """When the first of a person's addresses was confirmed; None without one. A changed address counts anew."""
    confirmed = MailboxConfirmation.objects.filter(address__user=person, address__verified=True)
    first = confirmed.order_by("confirmed_at").first()
    return first.confirmed_at if first else None
