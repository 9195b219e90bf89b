"""Why a try came to nothing: what a server or a provider said, and whether it is final."""

from dataclasses import dataclass
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPResponseException

from anymail.exceptions import AnymailAPIError, AnymailRecipientsRefused

from mail.models import MAX_ERROR_LENGTH

# A provider's "this mail cannot be". A key, a quota or an address of ours can be mended.
PERMANENT_STATUSES = {400, 422}


@dataclass(frozen=True, kw_only=True)
class SendError:
    """Why a try came to nothing, and whether another could go better."""

    words: str
    is_final: bool = False


def classify_error(fault: Exception) -> SendError | None:
    """What a fault of sending means for its mail. None for a fault that is our own."""
    match fault:
        case AnymailRecipientsRefused():
            said, is_final = str(fault), True
        case AnymailAPIError():
            said, is_final = str(fault), fault.status_code in PERMANENT_STATUSES
        case SMTPRecipientsRefused():
            code, answer = next(iter(fault.recipients.values()))
            said, is_final = _format_reply(code, answer), code >= 500  # noqa: PLR2004 - 5xx is "never" (RFC 5321)
        case SMTPResponseException():
            # Only what it says of the mail itself is final. A sender, a password or a greeting can be mended.
            said = _format_reply(fault.smtp_code, fault.smtp_error)
            is_final = isinstance(fault, SMTPDataError) and fault.smtp_code >= 500  # noqa: PLR2004
        case OSError():
            said, is_final = f"{type(fault).__name__}: {fault}", False
        case ValueError():
            said, is_final = "The address or a header cannot be written as mail needs it.", True
        case _:
            return None
    return SendError(words=_shorten(said), is_final=is_final)


def _format_reply(code: int, answer: bytes | str) -> str:
    words = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return f"{code} {words}"


def _shorten(words: str) -> str:
    return " ".join(words.replace("\0", " ").split())[:MAX_ERROR_LENGTH]
