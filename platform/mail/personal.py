"""What the outbox keeps about a person: the mails to them. A mail has an address and no person."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from kit.person import Person
from mail.models import Attachment, Mail
from mail.selectors import addresses_of, mails_to
from mail.services import KEPT_FOR, mails_erase, mails_forget
from privacy.log_titles import log_blank
from privacy.registry import Kind, Retention, Row

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
        log_blank(mails_to(address))
        mails_erase(mails=mails_to(address))


MAILS = Kind(
    name="mails",
    title=_("Mail that we sent you"),
    what=_("A copy, so that we can find out why one did not arrive."),
    retention=Retention(
        words=_("It is deleted after %(days)d days."),
        days=KEPT_FOR.days,
        since=_("the day it was sent, or failed for good"),
        forget=mails_forget,
        task="mail.tasks.mails_forget",
    ),
    gone=_("Our copies of mail to you"),
    stays=_("Mail that has been sent already lies in your mailbox, where this site cannot reach it."),
    private=True,
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
