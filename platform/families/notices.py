"""Notices on people's pages, also sent by email if the person has an address."""

from collections.abc import Mapping
from typing import Any, Self

from django.db import transaction
from django.utils import timezone, translation
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from accounts.models import Person
from families.models import Notice
from kit.hyperlinks import break_hyperlinks
from kit.site import build_absolute_url
from mail.services import queue_email

# Email programs cut off longer subjects in their lists.
MAX_SUBJECT_LENGTH = 120


class NoticeText(str):
    """A translated text that send_notice translates again, into the language of its reader."""

    __slots__ = ("message", "parameters")

    message: str
    parameters: Mapping[str, object] | None

    def __new__(cls, message: str, parameters: Mapping[str, object] | None = None) -> Self:
        text = translation.gettext(message)
        built = super().__new__(cls, text if parameters is None else text % parameters)
        built.message, built.parameters = message, parameters
        return built

    def __mod__(self, parameters: Any) -> "NoticeText":
        return NoticeText(self.message, parameters)


def _translate(text: str) -> str:
    """Return a text in the active language. One that is no NoticeText stays as it is."""
    return str(NoticeText(text.message, text.parameters)) if isinstance(text, NoticeText) else text


def send_notice(
    *,
    person: Person,
    text: str,
    action_text: str = "",
    path: str = "/family/",
    subject: str = "",
    email_text: str = "",
) -> Notice:
    """Tell `person` in the caller's transaction.

    `text` says what has happened, and is shown on the family's page. The email repeats it in its subject and its first
    sentence, then says `action_text`, and has one link, to `path`. Others may read a mailbox: neither names a topic, a
    question, an answer or anything of a crisis. `email_text` replaces a `text` that does, and `subject` a long one.
    Each NoticeText is translated into the person's language.
    """
    with translation.override(person.language):
        notice = Notice.objects.create(person=person, text=_translate(text))
        if person.email:
            mail_text = _translate(email_text or text)
            action_text = _translate(action_text) or _("See what you can do on your family page:")
            queue_email(
                key=f"families.notice:{notice.pk}",
                to=person.email,
                subject=_build_subject(_translate(subject) or mail_text),
                text=f"{break_hyperlinks(mail_text)} {action_text}\n\n{build_absolute_url(path)}\n",
            )
    return notice


def _build_subject(text: str) -> str:
    """Put the text on one line, without a final period."""
    line = Truncator(" ".join(text.split())).chars(MAX_SUBJECT_LENGTH)
    return line if line.endswith(("a.m.", "p.m.")) else line.removesuffix(".")


@transaction.atomic
def mark_notices_seen(*, person: Person) -> None:
    """Mark all notices of a person as seen."""
    Notice.objects.filter(person=person, seen_at=None).update(seen_at=timezone.now())
