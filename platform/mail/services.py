"""What the other rooms do with mail: write it down. Sending is `mail.sending`, after the commit."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from mail import nudge
from mail.models import LONGEST_KEY, LONGEST_SUBJECT, Attachment, Mail, State

KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Enclosure:
    """A text file to go with a mail. `content_type` is text of some kind: "text/calendar; method=PUBLISH"."""

    filename: str
    content_type: str
    content: str


def mail_queue(*, key: str, to: str, subject: str, text: str, attachments: Sequence[Enclosure] = ()) -> Mail:
    """Write down a mail in the caller's transaction. It is sent after the commit, or never if there is none.

    `key` names the occasion ("events.confirmation:<uuid>"): the same key again returns the mail that is there,
    as it was first written, even when two ask at once. A key is free again once its mail has been forgotten,
    which is `KEPT_FOR` after it was sent.

    Raises RuntimeError outside a transaction, and ValueError for what cannot be a mail: a line break in the
    address, the subject or an attachment's name and type; no address; an attachment that is not text.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("A mail is written in the transaction of what it tells about.")
    _require_sendable(key, to, subject, attachments)
    mail_id = uuid.uuid4()
    mail = Mail(
        pk=mail_id,
        key=key,
        to=to,
        subject=subject,
        text=text,
        message_id=f"<{mail_id}@{urlsplit(settings.SITE_URL).hostname or 'localhost'}>",
    )
    # Whoever asks with the same key at the same moment waits here until the first has committed.
    Mail.objects.bulk_create([mail], ignore_conflicts=True)
    kept = Mail.objects.get(key=key)
    if kept.pk == mail_id:
        Attachment.objects.bulk_create(
            Attachment(
                mail=kept,
                filename=enclosure.filename,
                content_type=enclosure.content_type,
                content=enclosure.content,
            )
            for enclosure in attachments
        )
        transaction.on_commit(lambda: nudge.send(mail_id))
    return kept


def _require_sendable(key: str, to: str, subject: str, attachments: Sequence[Enclosure]) -> None:
    if not 0 < len(key) <= LONGEST_KEY:
        raise ValueError(f"A key has 1 to {LONGEST_KEY} characters.")
    if not 0 < len(subject) <= LONGEST_SUBJECT:
        raise ValueError(f"A subject has 1 to {LONGEST_SUBJECT} characters.")
    lines = [to, subject]
    for enclosure in attachments:
        lines += [enclosure.filename, enclosure.content_type]
        if not enclosure.content_type.startswith("text/"):
            raise ValueError("An attachment is text of some kind.")
    if any("".join(line.splitlines()) != line for line in lines):
        raise ValueError("A line break would begin another header.")
    try:
        validate_email(to)
    except ValidationError as fault:
        raise ValueError("That is not an address.") from fault


@transaction.atomic
def mail_send_again(*, mail: Mail) -> bool:
    """Give a failed mail all its tries again, under the same Message-ID. False when it has not failed."""
    again = Mail.objects.filter(pk=mail.pk, state=State.FAILED).update(
        state=State.WAITING, failed_at=None, tries=0, send_after=timezone.now(), trouble=""
    )
    if again:
        transaction.on_commit(lambda: nudge.send(mail.pk))
    return bool(again)


@transaction.atomic
def mails_erase(*, mails: QuerySet[Mail]) -> int:
    """Delete mails with text, attachments and address, whatever became of them. Returns how many there were.

    One that waits is never sent; one that is being sent at this moment still arrives.
    """
    _, deleted = mails.delete()
    return deleted.get("mail.Mail", 0)


@transaction.atomic
def mails_forget(*, now: datetime | None = None) -> int:
    """Delete what was sent, or failed for good, `KEPT_FOR` ago: text, attachments and address. Returns how many."""
    before = (now or timezone.now()) - KEPT_FOR
    over = Q(state=State.SENT, sent_at__lt=before) | Q(state=State.FAILED, failed_at__lt=before)
    _, deleted = Mail.objects.filter(over).delete()
    return deleted.get("mail.Mail", 0)
