"""What the demo's pages read, where the outbox is everybody's; and the mails to one address or of one occasion."""

from collections.abc import Iterable
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from kit.person import Person
from mail.models import Attachment, BounceKind, Email, EmailState


def list_emails() -> QuerySet[Email]:
    return Email.objects.defer("text")


def get_email(email_id: UUID) -> Email:
    """Raises Mail.DoesNotExist."""
    return Email.objects.prefetch_related("attachments").get(pk=email_id)


def get_attachment(email_id: UUID, attachment_id: int) -> Attachment:
    """Raises Attachment.DoesNotExist, also for another mail's."""
    return Attachment.objects.get(email_id=email_id, pk=attachment_id)


def list_emails_to(address: str) -> QuerySet[Email]:
    """Mails to an address, in whatever letter case it was written, oldest first."""
    # The database folds both sides, as it does where it holds an address to be one.
    return Email.objects.filter(Exact(Lower("to"), Lower(Value(address)))).order_by("created_at", "pk")


def list_unreachable_addresses(addresses: Iterable[str]) -> set[str]:
    """Those of the addresses, in small letters, from which a mail came back, or whose server refused one for good."""
    folded = {address.lower() for address in addresses}
    lost = Email.objects.annotate(folded=Lower("to")).filter(Q(state=EmailState.FAILED) | ~Q(bounce=""))
    return set(lost.filter(folded__in=folded).values_list("folded", flat=True))


def list_complaining_addresses(addresses: Iterable[str]) -> set[str]:
    """Those of the addresses, in small letters, whose reader called a mail from here unwanted."""
    folded = {address.lower() for address in addresses}
    unwanted = Email.objects.annotate(folded=Lower("to")).filter(bounce=BounceKind.COMPLAINED)
    return set(unwanted.filter(folded__in=folded).values_list("folded", flat=True))


def list_waiting_emails(keys: list[str]) -> QuerySet[Email]:
    """Mails of these occasions that no worker has taken."""
    return Email.objects.filter(key__in=keys, state=EmailState.WAITING)


def list_emails_about(occasion: str) -> QuerySet[Email]:
    """Mails whose key begins with `occasion` and a blank, oldest first."""
    return Email.objects.filter(key__startswith=f"{occasion} ").order_by("created_at", "pk")


def list_verified_addresses(person: Person) -> list[str]:
    """The mail addresses that are known to be this person's, and that they may therefore see and erase by.

    Only one whose mail has been shown to reach them counts: any other would open somebody else's mail to them.
    """
    return list(EmailAddress.objects.filter(user=person, verified=True).values_list("email", flat=True))
