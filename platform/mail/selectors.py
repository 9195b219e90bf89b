"""What the demo's pages read, where the outbox is everybody's; and the mails to one address or of one occasion."""

from collections.abc import Iterable
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from kit.person import Person
from mail.models import Attachment, Mail, Return, State


def mails_listed() -> QuerySet[Mail]:
    return Mail.objects.defer("text")


def mail_shown(mail_id: UUID) -> Mail:
    """Raises Mail.DoesNotExist."""
    return Mail.objects.prefetch_related("attachments").get(pk=mail_id)


def attachment_of(mail_id: UUID, attachment_id: int) -> Attachment:
    """Raises Attachment.DoesNotExist, also for another mail's."""
    return Attachment.objects.get(mail_id=mail_id, pk=attachment_id)


def mails_to(address: str) -> QuerySet[Mail]:
    """Mails to an address, in whatever letter case it was written, oldest first."""
    # The database folds both sides, as it does where it holds an address to be one.
    return Mail.objects.filter(Exact(Lower("to"), Lower(Value(address)))).order_by("created_at", "pk")


def unreached(addresses: Iterable[str]) -> set[str]:
    """Those of the addresses, in small letters, from which a mail came back, or whose server refused one for good."""
    folded = {address.lower() for address in addresses}
    lost = Mail.objects.annotate(folded=Lower("to")).filter(Q(state=State.FAILED) | ~Q(returned=""))
    return set(lost.filter(folded__in=folded).values_list("folded", flat=True))


def complained(addresses: Iterable[str]) -> set[str]:
    """Those of the addresses, in small letters, whose reader called a mail from here unwanted."""
    folded = {address.lower() for address in addresses}
    unwanted = Mail.objects.annotate(folded=Lower("to")).filter(returned=Return.COMPLAINED)
    return set(unwanted.filter(folded__in=folded).values_list("folded", flat=True))


def mails_waiting(keys: list[str]) -> QuerySet[Mail]:
    """Mails of these occasions that no worker has taken."""
    return Mail.objects.filter(key__in=keys, state=State.WAITING)


def mails_about(occasion: str) -> QuerySet[Mail]:
    """Mails whose key begins with `occasion` and a blank, oldest first."""
    return Mail.objects.filter(key__startswith=f"{occasion} ").order_by("created_at", "pk")


def addresses_of(person: Person) -> list[str]:
    """The mail addresses that are known to be this person's, and that they may therefore see and erase by.

    Only one whose mail has been shown to reach them counts: any other would open somebody else's mail to them.
    """
    return list(EmailAddress.objects.filter(user=person, verified=True).values_list("email", flat=True))
