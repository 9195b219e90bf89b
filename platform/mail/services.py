"""What the other rooms do with mail: write it down. Sending is `mail.sending`, after the commit."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from kit.email_addresses import validate_email_address
from kit.languages import get_page_language
from kit.links import break_foreign_links
from kit.site import get_site_host
from mail import nudge
from mail.models import MAX_KEY_LENGTH, MAX_SUBJECT_LENGTH, Attachment, Email, EmailState
from mail.sending import MAX_CONCURRENT_SENDS

RETENTION = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class NewAttachment:
    """A text to go with a mail. `content_type` is text of some kind: "text/calendar; method=PUBLISH".

    An alternative is another form of the mail's text, which a mail program may show in its place; any other is a file.
    """

    filename: str
    content_type: str
    content: str
    is_alternative: bool = False


@dataclass(frozen=True, kw_only=True)
class NewEmail:
    """A mail to be written down.

    `key` names the occasion ("events.confirmation:<uuid>"). `unsubscribe_url` takes a POST from whoever
    has it: with it the mail can be stopped from within a mail program. `language` is that of the words: the one in
    which the draft was made. Links to other sites are broken, as people's words may be in any mail, unless the people
    who run the site wrote it (`is_by_staff`).
    """

    key: str
    to: str
    subject: str
    text: str
    attachments: Sequence[NewAttachment] = ()
    unsubscribe_url: str = ""
    language: str = field(default_factory=get_page_language)
    is_by_staff: bool = False


def queue_email(
    *,
    key: str,
    to: str,
    subject: str,
    text: str,
    attachments: Sequence[NewAttachment] = (),
    unsubscribe_url: str = "",
) -> Email:
    """Write down one mail, as `queue_emails` does."""
    new_email = NewEmail(
        key=key, to=to, subject=subject, text=text, attachments=attachments, unsubscribe_url=unsubscribe_url
    )
    return queue_emails(new_emails=[new_email])[0]


def queue_emails(*, new_emails: Sequence[NewEmail]) -> list[Email]:
    """Write down mails in the caller's transaction. They are sent after the commit, or never if there is none.

    The same key again returns the mail that is there, as it was first written, even when two ask at once. A key is
    free again once its mail has been forgotten, which is `KEPT_FOR` after it was sent. Returns the mails in the order
    of their drafts, in two statements for however many there are.

    Raises RuntimeError outside a transaction, and ValueError for what cannot be a mail: a line break in the
    address, the subject or an attachment's name and type; no address; an attachment that is not text.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("A mail is written in the transaction of what it tells about.")
    for new_email in new_emails:
        _require_sendable(new_email)
    written = {new_email.key: build_email(new_email) for new_email in new_emails}
    # Whoever asks with the same key at the same moment waits here until the first has committed. In one order for
    # all, so that two with several keys in common never wait for each other.
    Email.objects.bulk_create([written[key] for key in sorted(written)], ignore_conflicts=True)
    kept = {email.key: email for email in Email.objects.filter(key__in=written)}
    new = [kept[key] for key in written if kept[key].pk == written[key].pk]
    _create_attachments(new_emails, {email.key: email for email in new})
    # Each mail that was sent nudges another, so as many are enough as are sent at a time.
    for email in new[:MAX_CONCURRENT_SENDS]:
        transaction.on_commit(partial(nudge.send, email.pk))
    return [kept[new_email.key] for new_email in new_emails]


def build_email(new_email: NewEmail) -> Email:
    """The row that a draft would be. It is not saved."""
    email_id = uuid.uuid4()
    return Email(
        pk=email_id,
        key=new_email.key,
        to=new_email.to,
        subject=new_email.subject
        if new_email.is_by_staff
        else break_foreign_links(new_email.subject)[:MAX_SUBJECT_LENGTH],
        text=new_email.text if new_email.is_by_staff else break_foreign_links(new_email.text),
        language=new_email.language,
        unsubscribe_url=new_email.unsubscribe_url,
        message_id=f"<{email_id}@{get_site_host()}>",
    )


def _create_attachments(new_emails: Sequence[NewEmail], new: dict[str, Email]) -> None:
    Attachment.objects.bulk_create(
        Attachment(
            email=new[new_email.key],
            filename=enclosure.filename,
            content_type=enclosure.content_type,
            content=enclosure.content,
            is_alternative=enclosure.is_alternative,
        )
        for new_email in new_emails
        if new_email.key in new
        for enclosure in new_email.attachments
    )


def _require_sendable(new_email: NewEmail) -> None:
    if not 0 < len(new_email.key) <= MAX_KEY_LENGTH:
        raise ValueError(f"A key has 1 to {MAX_KEY_LENGTH} characters.")
    if not 0 < len(new_email.subject) <= MAX_SUBJECT_LENGTH:
        raise ValueError(f"A subject has 1 to {MAX_SUBJECT_LENGTH} characters.")
    lines = [new_email.to, new_email.subject, new_email.unsubscribe_url]
    for enclosure in new_email.attachments:
        lines += [enclosure.filename, enclosure.content_type]
        if not enclosure.content_type.startswith("text/"):
            raise ValueError("An attachment is text of some kind.")
    if any("".join(line.splitlines()) != line for line in lines):
        raise ValueError("A line break would begin another header.")
    try:
        validate_email_address(new_email.to)
    except ValidationError as fault:
        raise ValueError("That is not an address.") from fault


@transaction.atomic
def resend_email(*, email: Email) -> bool:
    """Give a failed mail all its tries again, under the same Message-ID. False when it has not failed."""
    again = Email.objects.filter(pk=email.pk, state=EmailState.FAILED).update(
        state=EmailState.WAITING, failed_at=None, attempts=0, send_after=timezone.now(), error=""
    )
    if again:
        transaction.on_commit(lambda: nudge.send(email.pk))
    return bool(again)


@transaction.atomic
def erase_emails(*, emails: QuerySet[Email]) -> int:
    """Delete mails with text, attachments and address, whatever became of them. Returns how many there were.

    One that waits is never sent; one that is being sent at this moment still arrives.
    """
    _, deleted = emails.delete()
    return deleted.get("mail.Email", 0)


@transaction.atomic
def delete_expired_emails(*, now: datetime | None = None) -> int:
    """Delete what was sent, or failed for good, `KEPT_FOR` ago: text, attachments and address. Returns how many."""
    before = (now or timezone.now()) - RETENTION
    over = Q(state=EmailState.SENT, sent_at__lt=before) | Q(state=EmailState.FAILED, failed_at__lt=before)
    _, deleted = Email.objects.filter(over).delete()
    return deleted.get("mail.Email", 0)
