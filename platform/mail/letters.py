"""A row of the outbox as the message that goes over the wire. Every try makes the same one."""

from email.message import EmailMessage as Wire
from email.message import MIMEPart
from email.policy import SMTP
from email.utils import format_datetime

from django.conf import settings
from django.core.mail import EmailMessage

from mail.models import Attachment, Mail


def headers_of(mail: Mail) -> dict[str, str]:
    """What a reader may see above the text, in the order of a letter."""
    return {
        "From": settings.DEFAULT_FROM_EMAIL,
        "To": mail.to,
        "Subject": mail.subject,
        "Date": format_datetime(mail.created_at),
        "Message-ID": mail.message_id,
    }


def letter(mail: Mail) -> EmailMessage:
    headers = headers_of(mail)
    message = EmailMessage(
        subject=mail.subject,
        body=mail.text,
        to=[mail.to],
        headers={
            "Date": headers["Date"],
            "Message-ID": headers["Message-ID"],
            # Nobody's holiday notice answers to a machine (RFC 3834).
            "Auto-Submitted": "auto-generated",
        },
    )
    for attachment in mail.attachments.all():
        message.attach(_part(attachment))
    return message


def _part(attachment: Attachment) -> MIMEPart:
    # Django would drop the parameters of a content type, and `method` is what makes a calendar offer the event.
    kind = Wire()
    kind["Content-Type"] = attachment.content_type
    params = {name: value for name, value in kind["Content-Type"].params.items() if name != "charset"}
    part = MIMEPart(policy=SMTP)
    part.set_content(
        attachment.content,
        subtype=kind.get_content_subtype(),
        charset="utf-8",
        cte="base64",
        disposition="attachment",
        filename=attachment.filename,
        params=params,
    )
    return part
