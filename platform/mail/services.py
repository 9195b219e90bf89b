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

from kit.addresses import validate_address
from kit.languages import page_language
from kit.links import own_links_only
from kit.site import host
from mail import nudge
from mail.models import LONGEST_KEY, LONGEST_SUBJECT, Attachment, Mail, State
from mail.sending import MOST_AT_ONCE

KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Enclosure:
    """A text to go with a mail. `content_type` is text of some kind: "text/calendar; method=PUBLISH".

    An alternative is another form of the mail's text, which a mail program may show in its place; any other is a file.
    """

    filename: str
    content_type: str
    content: str
    is_alternative: bool = False


@dataclass(frozen=True, kw_only=True)
class Draft:
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
    attachments: Sequence[Enclosure] = ()
    unsubscribe_url: str = ""
    language: str = field(default_factory=page_language)
    is_by_staff: bool = False


def mail_queue(
    *,
    key: str,
    to: str,
    subject: str,
    text: str,
    attachments: Sequence[Enclosure] = (),
    unsubscribe_url: str = "",
) -> Mail:
    """Write down one mail, as `mails_queue` does."""
    draft = Draft(
        key=key, to=to, subject=subject, text=text, attachments=attachments, unsubscribe_url=unsubscribe_url
    )
    return mails_queue(drafts=[draft])[0]


def mails_queue(*, drafts: Sequence[Draft]) -> list[Mail]:
    """Write down mails in the caller's transaction. They are sent after the commit, or never if there is none.

    The same key again returns the mail that is there, as it was first written, even when two ask at once. A key is
    free again once its mail has been forgotten, which is `KEPT_FOR` after it was sent. Returns the mails in the order
    of their drafts, in two statements for however many there are.

    Raises RuntimeError outside a transaction, and ValueError for what cannot be a mail: a line break in the
    address, the subject or an attachment's name and type; no address; an attachment that is not text.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("A mail is written in the transaction of what it tells about.")
    for draft in drafts:
        _require_sendable(draft)
    written = {draft.key: mail_of(draft) for draft in drafts}
    # Whoever asks with the same key at the same moment waits here until the first has committed. In one order for
    # all, so that two with several keys in common never wait for each other.
    Mail.objects.bulk_create([written[key] for key in sorted(written)], ignore_conflicts=True)
    kept = {mail.key: mail for mail in Mail.objects.filter(key__in=written)}
    new = [kept[key] for key in written if kept[key].pk == written[key].pk]
    _attach(drafts, {mail.key: mail for mail in new})
    # Each mail that was sent nudges another, so as many are enough as are sent at a time.
    for mail in new[:MOST_AT_ONCE]:
        transaction.on_commit(partial(nudge.send, mail.pk))
    return [kept[draft.key] for draft in drafts]


def mail_of(draft: Draft) -> Mail:
    """The row that a draft would be. It is not saved."""
    mail_id = uuid.uuid4()
    return Mail(
        pk=mail_id,
        key=draft.key,
        to=draft.to,
        subject=draft.subject if draft.is_by_staff else own_links_only(draft.subject)[:LONGEST_SUBJECT],
        text=draft.text if draft.is_by_staff else own_links_only(draft.text),
        language=draft.language,
        unsubscribe_url=draft.unsubscribe_url,
        message_id=f"<{mail_id}@{host()}>",
    )


def _attach(drafts: Sequence[Draft], new: dict[str, Mail]) -> None:
    Attachment.objects.bulk_create(
        Attachment(
            mail=new[draft.key],
            filename=enclosure.filename,
            content_type=enclosure.content_type,
            content=enclosure.content,
            is_alternative=enclosure.is_alternative,
        )
        for draft in drafts
        if draft.key in new
        for enclosure in draft.attachments
    )


def _require_sendable(draft: Draft) -> None:
    if not 0 < len(draft.key) <= LONGEST_KEY:
        raise ValueError(f"A key has 1 to {LONGEST_KEY} characters.")
    if not 0 < len(draft.subject) <= LONGEST_SUBJECT:
        raise ValueError(f"A subject has 1 to {LONGEST_SUBJECT} characters.")
    lines = [draft.to, draft.subject, draft.unsubscribe_url]
    for enclosure in draft.attachments:
        lines += [enclosure.filename, enclosure.content_type]
        if not enclosure.content_type.startswith("text/"):
            raise ValueError("An attachment is text of some kind.")
    if any("".join(line.splitlines()) != line for line in lines):
        raise ValueError("A line break would begin another header.")
    try:
        validate_address(draft.to)
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
