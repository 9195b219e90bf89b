"""A row of the outbox as the message that goes over the wire. Every try makes the same one."""

from email.message import EmailMessage as Wire
from email.message import MIMEPart
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import format_datetime
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from mail.models import Attachment, Email

# Providers that take a mail as it goes over the wire.
RAW_BACKENDS = {"anymail.backends.amazon_ses.EmailBackend"}


class UnfoldedUrlPolicy(EmailPolicy):
    """Keeps an address in a header in one piece: Python would fold a long one into encoded words, which break it."""

    def fold(self, name: str, value: str) -> str:
        if name == "List-Unsubscribe":
            return f"{name}: {value}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: str) -> bytes:
        if name == "List-Unsubscribe":
            return self.fold(name, value).encode("ascii")
        return super().fold_binary(name, value)


class OutgoingMessage(EmailMultiAlternatives):
    """Plain text, the same as HTML, and what else the text can be, which has parameters that Django would drop."""

    def __init__(self, email: Email, *, is_raw: bool) -> None:
        super().__init__(email.subject, email.text, to=[email.to], headers=_build_extra_headers(email))
        self.attach_alternative(render_html(email), "text/html")
        self.others: list[MIMEPart] = []
        for attachment in email.attachments.all():
            if attachment.is_alternative and is_raw:
                self.others.append(_build_part(attachment))
            else:
                self.attach(_build_part(attachment, is_file=True))

    def message(self, *, policy: "Policy[Any] | None" = None) -> Wire:
        message = super().message(policy=UnfoldedUrlPolicy(linesep=policy.linesep if policy else "\n"))
        # With files beside it the text is the first part, and else the whole.
        words = message if message.get_content_subtype() == "alternative" else next(message.iter_parts())
        for part in self.others:
            # A mail program shows the last form that it understands.
            words.attach(part)
        return message


def build_headers(email: Email) -> dict[str, str]:
    """What a reader may see above the text, in the order of a letter."""
    return {
        "From": settings.DEFAULT_FROM_EMAIL,
        "To": email.to,
        "Subject": email.subject,
        "Date": format_datetime(email.created_at),
        "Message-ID": email.message_id,
    }


def render_html(email: Email) -> str:
    """The mail's text with its links to press, and nothing that the text does not say."""
    return render_to_string("mail/message.html", {"email": email})


def build_message(email: Email) -> OutgoingMessage:
    """The message. Providers that take a mail in pieces have none for an invitation: there it goes as a file."""
    backend = settings.MAILERS["default"]["BACKEND"]
    return OutgoingMessage(email, is_raw=not backend.startswith("anymail.") or backend in RAW_BACKENDS)


def _build_extra_headers(email: Email) -> dict[str, str]:
    said = build_headers(email)
    # Nobody's holiday notice answers to a machine (RFC 3834).
    headers = {
        "Date": said["Date"],
        "Message-ID": said["Message-ID"],
        "Auto-Submitted": "auto-generated",
        "Content-Language": email.language,
    }
    if email.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{email.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def _build_part(attachment: Attachment, *, is_file: bool = False) -> MIMEPart:
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
