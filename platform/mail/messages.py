"""Build the message to send from an email in the outbox. Every attempt builds the same message."""

from email.message import EmailMessage as MimeMessage
from email.message import MIMEPart
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import format_datetime
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from mail.models import Attachment, Email

# API providers that accept a raw MIME message.
RAW_BACKENDS = {"anymail.backends.amazon_ses.EmailBackend"}


class UnfoldedUrlPolicy(EmailPolicy):
    """Does not fold List-Unsubscribe: Python would split a long URL into encoded words, which breaks it."""

    def fold(self, name: str, value: str) -> str:
        if name == "List-Unsubscribe":
            return f"{name}: {value}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: str) -> bytes:
        if name == "List-Unsubscribe":
            return self.fold(name, value).encode("ascii")
        return super().fold_binary(name, value)


class OutgoingMessage(EmailMultiAlternatives):
    """Plain text, the same as HTML, and calendar parts, whose content type parameters Django would drop."""

    def __init__(self, email: Email, *, is_raw: bool) -> None:
        super().__init__(email.subject, email.text, to=[email.to], headers=_build_extra_headers(email))
        self.attach_alternative(render_email_html(email), "text/html")
        self.others: list[MIMEPart] = []
        for attachment in email.attachments.all():
            if attachment.is_alternative and is_raw:
                self.others.append(_build_part(attachment))
            else:
                self.attach(_build_part(attachment, is_file=True))

    def message(self, *, policy: "Policy[Any] | None" = None) -> MimeMessage:
        message = super().message(policy=UnfoldedUrlPolicy(linesep=policy.linesep if policy else "\n"))
        # With attachments the text is the first part. Without, it is the whole message.
        body = message if message.get_content_subtype() == "alternative" else next(message.iter_parts())
        for part in self.others:
            # An email client shows the last alternative that it supports.
            body.attach(part)
        return message


def build_headers(email: Email) -> dict[str, str]:
    """Return the headers that a reader sees, in the usual order."""
    return {
        "From": settings.DEFAULT_FROM_EMAIL,
        "To": email.to,
        "Subject": email.subject,
        "Date": format_datetime(email.created_at),
        "Message-ID": email.message_id,
    }


def render_email_html(email: Email) -> str:
    """Render an email's text as HTML with clickable links. It adds nothing to the text."""
    return render_to_string("mail/message.html", {"email": email})


def build_outgoing_message(email: Email) -> OutgoingMessage:
    """Build the message. A provider that takes fields instead of MIME gets calendar invitations as files."""
    backend = settings.MAILERS["default"]["BACKEND"]
    return OutgoingMessage(email, is_raw=not backend.startswith("anymail.") or backend in RAW_BACKENDS)


def _build_extra_headers(email: Email) -> dict[str, str]:
    visible = build_headers(email)
    # Auto-Submitted keeps out-of-office replies away (RFC 3834).
    headers = {
        "Date": visible["Date"],
        "Message-ID": visible["Message-ID"],
        "Auto-Submitted": "auto-generated",
        "Content-Language": email.language,
    }
    if email.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{email.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def _build_part(attachment: Attachment, *, is_file: bool = False) -> MIMEPart:
    # Django would drop the content type's parameters, but `method` makes email clients offer to add the event.
    parsed = MimeMessage()
    parsed["Content-Type"] = attachment.content_type
    params = {name: value for name, value in parsed["Content-Type"].params.items() if name != "charset"}
    disposition = {"disposition": "attachment", "filename": attachment.filename} if is_file else {}
    part = MIMEPart(policy=SMTP)
    part.set_content(
        attachment.content,
        subtype=parsed.get_content_subtype(),
        charset="utf-8",
        cte="base64",
        params=params,
        **disposition,  # type: ignore[arg-type]
    )
    return part
