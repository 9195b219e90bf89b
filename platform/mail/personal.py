"""What the outbox keeps about a person: the mails to them. A mail has an address and no person."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from kit.person import Person
from mail.models import Attachment, Mail
from mail.selectors import addresses_of, mails_to
from mail.services import KEPT_FOR, mails_erase, mails_forget
from privacy.admin_log import redact_rows
from privacy.registry import DataKind, Retention, Row

# Rows that are in memory together, with their texts.
FEW = 50


def mails_export(person: Person) -> Iterator[Row]:
    for address in addresses_of(person):
        for mail in mails_to(address).prefetch_related("attachments").iterator(chunk_size=FEW):
            yield {
                "written_at": mail.created_at,
                "to": mail.to,
                "subject": mail.subject,
                "text": mail.text,
                "attachments": [f"{one.filename}\n{one.content}" for one in mail.attachments.all()],
                "sent_at": mail.sent_at,
            }


def mails_of_person_erase(person: Person) -> None:
    for address in addresses_of(person):
        redact_rows(mails_to(address))
        mails_erase(mails=mails_to(address))


MAILS = DataKind(
    name="mails",
    title=_("Mail that we sent you"),
    description=_("A copy, so that we can find out why one did not arrive."),
    retention=Retention(
        text=_("It is deleted after %(days)d days."),
        days=KEPT_FOR.days,
        counted_from=_("the day it was sent, or failed for good"),
        delete_expired=mails_forget,
        task="mail.tasks.mails_forget",
    ),
    erasure_removes=_("Our copies of mail to you"),
    erasure_keeps=_("Mail that has been sent already lies in your mailbox, where this site cannot reach it."),
    is_private=True,
    models=(Mail, Attachment),
    labels={
        "written_at": _("written"),
        "to": _("to"),
        "subject": _("subject"),
        "text": _("text"),
        "attachments": _("attachments"),
        "sent_at": _("sent"),
    },
    export=mails_export,
    erase=mails_of_person_erase,
)
KINDS = (MAILS,)
