"""A row of the outbox as the message that goes over the wire. Every try makes the same one."""

from email.message import EmailMessage as Wire
from email.message import MIMEPart
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import format_datetime
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from mail.models import Attachment, Mail

# Providers that take a mail as it goes over the wire.
RAW = {"anymail.backends.amazon_ses.EmailBackend"}


class Whole(EmailPolicy):
    """Keeps an address in a header in one piece: Python would fold a long one into encoded words, which break it."""

    def fold(self, name: str, value: str) -> str:
        if name == "List-Unsubscribe":
            return f"{name}: {value}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: str) -> bytes:
        if name == "List-Unsubscribe":
            return self.fold(name, value).encode("ascii")
        return super().fold_binary(name, value)


class Letter(EmailMultiAlternatives):
    """Plain text, the same as HTML, and what else the text can be, which has parameters that Django would drop."""

    def __init__(self, mail: Mail, *, is_raw: bool) -> None:
        super().__init__(mail.subject, mail.text, to=[mail.to], headers=_headers_of_ours(mail))
        self.attach_alternative(html_of(mail), "text/html")
        self.others: list[MIMEPart] = []
        for attachment in mail.attachments.all():
            if attachment.is_alternative and is_raw:
                self.others.append(_part(attachment))
            else:
                self.attach(_part(attachment, is_file=True))

    def message(self, *, policy: "Policy[Any] | None" = None) -> Wire:
        message = super().message(policy=Whole(linesep=policy.linesep if policy else "\n"))
        # With files beside it the text is the first part, and else the whole.
        words = message if message.get_content_subtype() == "alternative" else next(message.iter_parts())
        for part in self.others:
            # A mail program shows the last form that it understands.
            words.attach(part)
        return message


def headers_of(mail: Mail) -> dict[str, str]:
    """What a reader may see above the text, in the order of a letter."""
    return {
        "From": settings.DEFAULT_FROM_EMAIL,
        "To": mail.to,
        "Subject": mail.subject,
        "Date": format_datetime(mail.created_at),
        "Message-ID": mail.message_id,
    }


def html_of(mail: Mail) -> str:
    """The mail's text with its links to press, and nothing that the text does not say."""
    return render_to_string("mail/wire.html", {"mail": mail})


def letter(mail: Mail) -> Letter:
    """The message. Providers that take a mail in pieces have none for an invitation: there it goes as a file."""
    backend = settings.MAILERS["default"]["BACKEND"]
    return Letter(mail, is_raw=not backend.startswith("anymail.") or backend in RAW)


def _headers_of_ours(mail: Mail) -> dict[str, str]:
    said = headers_of(mail)
    # Nobody's holiday notice answers to a machine (RFC 3834).
    headers = {
        "Date": said["Date"],
        "Message-ID": said["Message-ID"],
        "Auto-Submitted": "auto-generated",
        "Content-Language": mail.language,
    }
    if mail.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def _part(attachment: Attachment, *, is_file: bool = False) -> MIMEPart:
    # Django would drop the parameters of a content type, and `method` is what makes a calendar offer the event.
    kind = Wire()
    kind["Content-Type"] = attachment.content_type
    params = {name: value for name, value in kind["Content-Type"].params.items() if name != "charset"}
    beside = {"disposition": "attachment", "filename": attachment.filename} if is_file else {}
    part = MIMEPart(policy=SMTP)
    part.set_content(
        attachment.content,
        subtype=kind.get_content_subtype(),
        charset="utf-8",
        cte="base64",
        params=params,
        **beside,  # type: ignore[arg-type]
    )
    return part
