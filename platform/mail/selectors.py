"""Read the outbox: for the demo's pages, by address, and by occasion."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db.models import Count, Q, QuerySet, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from kit.person import Person
from mail.models import Attachment, BounceKind, Email, EmailState


def list_emails() -> QuerySet[Email]:
    """List all emails, newest first, without their texts."""
    return Email.objects.defer("text")


def get_email(email_id: UUID) -> Email:
    """Return an email with its attachments. Raises Email.DoesNotExist."""
    return Email.objects.prefetch_related("attachments").get(pk=email_id)


def get_attachment(email_id: UUID, attachment_id: int) -> Attachment:
    """Return an attachment. Raises Attachment.DoesNotExist, also if it belongs to another email."""
    return Attachment.objects.get(email_id=email_id, pk=attachment_id)


def list_emails_to(address: str) -> QuerySet[Email]:
    """List emails to an address, oldest first, ignoring letter case."""
    # PostgreSQL lowers both sides, as in the unique constraint on addresses.
    return Email.objects.filter(Exact(Lower("to"), Lower(Value(address)))).order_by("created_at", "pk")


def list_unreachable_addresses(addresses: Iterable[str]) -> set[str]:
    """Return which of the addresses, in lower case, had an email that bounced or finally failed."""
    folded = {address.lower() for address in addresses}
    undelivered = Email.objects.annotate(folded=Lower("to")).filter(
        Q(state=EmailState.FAILED) | ~Q(bounce="")
    )
    return set(undelivered.filter(folded__in=folded).values_list("folded", flat=True))


def list_complaining_addresses(addresses: Iterable[str]) -> set[str]:
    """Return which of the addresses, in lower case, marked an email from this site as spam."""
    folded = {address.lower() for address in addresses}
    complained = Email.objects.annotate(folded=Lower("to")).filter(bounce=BounceKind.COMPLAINED)
    return set(complained.filter(folded__in=folded).values_list("folded", flat=True))


def count_undelivered(*, since: datetime) -> dict[str, int]:
    """Count the emails since then that came back, were called spam, or finally failed, in one query."""
    return Email.objects.filter(created_at__gte=since).aggregate(
        bounced=Count("pk", filter=Q(bounce__in=[BounceKind.BOUNCED, BounceKind.REFUSED])),
        complained=Count("pk", filter=Q(bounce=BounceKind.COMPLAINED)),
        failed=Count("pk", filter=Q(state=EmailState.FAILED)),
    )


def list_waiting_emails(keys: list[str]) -> QuerySet[Email]:
    """List emails with these keys that no worker has claimed."""
    return Email.objects.filter(key__in=keys, state=EmailState.WAITING)


def list_emails_about(occasion: str) -> QuerySet[Email]:
    """List emails whose key starts with `occasion` and a space, oldest first."""
    return Email.objects.filter(key__startswith=f"{occasion} ").order_by("created_at", "pk")


def list_verified_addresses(person: Person) -> list[str]:
    """List a person's verified email addresses. They may see and erase the emails to these.

    An unverified address could be another person's, and would give access to their emails.
    """
    return list(EmailAddress.objects.filter(user=person, verified=True).values_list("email", flat=True))
