"""Queue, resend and erase emails. `mail.sending` sends them after the commit."""

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
from kit.hyperlinks import break_foreign_hyperlinks
from kit.languages import get_page_language
from kit.site import get_site_host
from mail import nudge
from mail.models import MAX_KEY_LENGTH, MAX_SUBJECT_LENGTH, Attachment, Email, EmailState
from mail.sending import MAX_CONCURRENT_SENDS

RETENTION = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class NewAttachment:
    """A text attachment. `content_type` must start with "text/", as in "text/calendar; method=PUBLISH".

    With `is_alternative`, email clients may show it in place of the text. Otherwise it is a file.
    """

    filename: str
    content_type: str
    content: str
    is_alternative: bool = False


@dataclass(frozen=True, kw_only=True)
class NewEmail:
    """An email to queue.

    `key` names the occasion ("sign-up <uuid> invited"). `unsubscribe_url` takes an unauthenticated POST, for one-click
    unsubscribe. `language` is the language of the text, by default the active one. Links to other sites are broken,
    because any email may quote people's own words, unless staff wrote it (`is_by_staff`).
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
    """Queue one email. See `queue_emails`."""
    new_email = NewEmail(
        key=key, to=to, subject=subject, text=text, attachments=attachments, unsubscribe_url=unsubscribe_url
    )
    return queue_emails(new_emails=[new_email])[0]


def queue_emails(*, new_emails: Sequence[NewEmail]) -> list[Email]:
    """Queue emails in the caller's transaction. They are sent after the commit, or never if it rolls back.

    If a key exists already, its email is returned unchanged, even if two transactions queue it at the same time. A key
    can be used again when its email has been deleted, `RETENTION` after it was sent. Returns the emails in the order of
    `new_emails`, and takes two statements for any number.

    Raises RuntimeError outside a transaction. Raises ValueError for a key or subject that is empty or too long, an
    invalid address, a line break in a header, or an attachment that is not text.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("Queue an email in the transaction of the change that it reports.")
    for new_email in new_emails:
        _require_sendable(new_email)
    rows = {new_email.key: build_email(new_email) for new_email in new_emails}
    # A concurrent insert of the same key waits here until the first commits. Sort the keys, so that two transactions
    # with several keys in common cannot deadlock.
    Email.objects.bulk_create([rows[key] for key in sorted(rows)], ignore_conflicts=True)
    saved = {email.key: email for email in Email.objects.filter(key__in=rows)}
    new = [saved[key] for key in rows if saved[key].pk == rows[key].pk]
    _create_attachments(new_emails, {email.key: email for email in new})
    # Each sent email nudges another, so nudging as many as can be sent at once is enough.
    for email in new[:MAX_CONCURRENT_SENDS]:
        transaction.on_commit(partial(nudge.send, email.pk))
    return [saved[new_email.key] for new_email in new_emails]


def build_email(new_email: NewEmail) -> Email:
    """Build the unsaved row for an email."""
    email_id = uuid.uuid4()
    return Email(
        pk=email_id,
        key=new_email.key,
        to=new_email.to,
        subject=new_email.subject
        if new_email.is_by_staff
        else break_foreign_hyperlinks(new_email.subject)[:MAX_SUBJECT_LENGTH],
        text=new_email.text if new_email.is_by_staff else break_foreign_hyperlinks(new_email.text),
        language=new_email.language,
        unsubscribe_url=new_email.unsubscribe_url,
        message_id=f"<{email_id}@{get_site_host()}>",
    )


def _create_attachments(new_emails: Sequence[NewEmail], new: dict[str, Email]) -> None:
    Attachment.objects.bulk_create(
        Attachment(
            email=new[new_email.key],
            filename=attachment.filename,
            content_type=attachment.content_type,
            content=attachment.content,
            is_alternative=attachment.is_alternative,
        )
        for new_email in new_emails
        if new_email.key in new
        for attachment in new_email.attachments
    )


def _require_sendable(new_email: NewEmail) -> None:
    if not 0 < len(new_email.key) <= MAX_KEY_LENGTH:
        raise ValueError(f"A key has 1 to {MAX_KEY_LENGTH} characters.")
    if not 0 < len(new_email.subject) <= MAX_SUBJECT_LENGTH:
        raise ValueError(f"A subject has 1 to {MAX_SUBJECT_LENGTH} characters.")
    lines = [new_email.to, new_email.subject, new_email.unsubscribe_url]
    for attachment in new_email.attachments:
        lines += [attachment.filename, attachment.content_type]
        if not attachment.content_type.startswith("text/"):
            raise ValueError("An attachment's content type must start with text/.")
    if any("".join(line.splitlines()) != line for line in lines):
        raise ValueError("A header must not contain a line break.")
    try:
        validate_email_address(new_email.to)
    except ValidationError as error:
        raise ValueError("That is not an address.") from error


@transaction.atomic
def resend_email(*, email: Email) -> bool:
    """Queue a failed email again, with all its attempts and the same Message-ID. Return False if it had not failed."""
    count = Email.objects.filter(pk=email.pk, state=EmailState.FAILED).update(
        state=EmailState.WAITING, failed_at=None, attempts=0, send_after=timezone.now(), error=""
    )
    if count:
        transaction.on_commit(lambda: nudge.send(email.pk))
    return bool(count)


@transaction.atomic
def erase_emails(*, emails: QuerySet[Email]) -> int:
    """Delete emails in any state, with their attachments. Return how many were deleted.

    An email that is being sent at this moment still arrives.
    """
    _, deleted = emails.delete()
    return deleted.get("mail.Email", 0)


@transaction.atomic
def delete_expired_emails(*, now: datetime | None = None) -> int:
    """Delete emails that were sent or finally failed more than `RETENTION` ago. Return how many."""
    before = (now or timezone.now()) - RETENTION
    is_expired = Q(state=EmailState.SENT, sent_at__lt=before) | Q(
        state=EmailState.FAILED, failed_at__lt=before
    )
    _, deleted = Email.objects.filter(is_expired).delete()
    return deleted.get("mail.Email", 0)
