"""Classify why an attempt failed: what the server or provider replied, and whether it is permanent."""

from dataclasses import dataclass
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPResponseException

from anymail.exceptions import AnymailAPIError, AnymailRecipientsRefused

from mail.models import MAX_ERROR_LENGTH

# HTTP statuses by which a provider rejects the email itself. Other errors (key, quota) may be fixed.
PERMANENT_STATUSES = {400, 422}


@dataclass(frozen=True, kw_only=True)
class SendError:
    """Why an attempt failed. If `is_final`, it is not retried."""

    message: str
    is_final: bool = False


def classify_error(error: Exception) -> SendError | None:
    """Classify an exception from sending. Return None for a bug of our own."""
    match error:
        case AnymailRecipientsRefused():
            text, is_final = str(error), True
        case AnymailAPIError():
            text, is_final = str(error), error.status_code in PERMANENT_STATUSES
        case SMTPRecipientsRefused():
            code, answer = next(iter(error.recipients.values()))
            text, is_final = _format_reply(code, answer), code >= 500  # noqa: PLR2004 - 5xx is "never" (RFC 5321)
        case SMTPResponseException():
            # Only a rejection of the message itself is final. Sender, login and greeting errors may be fixed.
            text = _format_reply(error.smtp_code, error.smtp_error)
            is_final = isinstance(error, SMTPDataError) and error.smtp_code >= 500  # noqa: PLR2004
        case OSError():
            text, is_final = f"{type(error).__name__}: {error}", False
        case ValueError():
            text, is_final = "The address or a header is not valid in an email.", True
        case _:
            return None
    return SendError(message=_shorten(text), is_final=is_final)


def _format_reply(code: int, answer: bytes | str) -> str:
    message = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return f"{code} {message}"


def _shorten(message: str) -> str:
    return " ".join(message.replace("\0", " ").split())[:MAX_ERROR_LENGTH]
