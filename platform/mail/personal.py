"""Personal data in the outbox: emails to a person's verified addresses. An email has an address but no person."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from kit.person import Person
from mail.models import Attachment, Email
from mail.selectors import list_emails_to, list_verified_addresses
from mail.services import RETENTION, delete_expired_emails, erase_emails
from privacy.admin_log import redact_rows
from privacy.registry import DataKind, Retention, Row

# Rows to load at a time, because they include texts.
BATCH_SIZE = 50


def export_emails(person: Person) -> Iterator[Row]:
    """Yield the emails to a person's verified addresses, oldest first."""
    for address in list_verified_addresses(person):
        for email in list_emails_to(address).prefetch_related("attachments").iterator(chunk_size=BATCH_SIZE):
            yield {
                "written_at": email.created_at,
                "to": email.to,
                "subject": email.subject,
                "text": email.text,
                "attachments": [
                    f"{attachment.filename}\n{attachment.content}" for attachment in email.attachments.all()
                ],
                "sent_at": email.sent_at,
            }


def erase_emails_to_person(person: Person) -> None:
    """Delete all emails to a person's verified addresses."""
    for address in list_verified_addresses(person):
        redact_rows(list_emails_to(address))
        erase_emails(emails=list_emails_to(address))


EMAILS = DataKind(
    name="emails",
    title=_("Emails we sent you"),
    description=_("A copy of each, so we can find out why one didn’t arrive."),
    retention=Retention(
        text=_("It is deleted after %(days)d days."),
        days=RETENTION.days,
        counted_from=_("the day it was sent or failed for good"),
        delete_expired=delete_expired_emails,
        task="mail.tasks.delete_expired_emails",
    ),
    erasure_removes=_("Our copies of emails to you"),
    erasure_keeps=_("Emails we already sent are in your inbox, where this site can’t reach them."),
    is_private=True,
    models=(Email, Attachment),
    labels={
        "written_at": _("written"),
        "to": _("to"),
        "subject": _("subject"),
        "text": _("text"),
        "attachments": _("attachments"),
        "sent_at": _("sent"),
    },
    export=export_emails,
    erase=erase_emails_to_person,
)
KINDS = (EMAILS,)
