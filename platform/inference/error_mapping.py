"""Maps error responses to exceptions. Their text is matched but never repeated: it may quote the question."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from django.utils import timezone

from inference import errors, quirks
from kit.texts import parse_whole_number

# A longer time is taken for a mistake and ignored.
MAX_RETRY_AFTER_SECONDS = 24 * 3600


def map_status_error(status: int, body: object, headers: Mapping[str, str]) -> errors.ModelError:
    """Return the exception for an HTTP error response."""
    error_class = None if status in quirks.CONFIGURATION_STATUSES else _match_error_text(body)
    retry_after = parse_retry_after(headers)
    if status == HTTPStatus.TOO_MANY_REQUESTS and retry_after is not None:
        # Gemini mentions quota and billing even for a short rate limit.
        error_class = errors.ModelBusy
    return (error_class or quirks.STATUS_ERRORS.get(status, errors.ModelMisconfigured))(
        f"{status}", retry_after=retry_after
    )


def map_event_error(error: object) -> errors.ModelError:
    """Return the exception for an `error` object within a stream."""
    fields = error if isinstance(error, dict) else {}
    code = fields.get("code") or fields.get("status") or fields.get("type") or ""
    error_class = _match_error_text(error)
    status = parse_whole_number(str(code), below=1000)
    if error_class is None and status is not None:
        error_class = quirks.STATUS_ERRORS.get(status)
    return (error_class or errors.ModelMisconfigured)(str(code))


def is_model_loading(status: int, body: object) -> bool:
    """Return whether a server says that it is still loading its model, so that waiting helps."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR and bool(
        quirks.LOADING.search(_collect_error_text(body))
    )


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After header, given as a number or a date; None without a usable one."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        try:
            seconds = float(value) * unit
        except ValueError:
            seconds = _get_seconds_until(value)
        if 0 <= seconds <= MAX_RETRY_AFTER_SECONDS:
            return seconds
    return None


def _get_seconds_until(date: str) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return -1
    return (moment - timezone.now()).total_seconds() if moment.tzinfo else -1


def _match_error_text(body: object) -> type[errors.ModelError] | None:
    text = _collect_error_text(body)
    return next(
        (error_class for pattern, error_class in quirks.ERROR_TEXT_PATTERNS if pattern.search(text)), None
    )


def _collect_error_text(body: object) -> str:
    """Join the codes, types and messages of an error, at any depth."""
    if isinstance(body, str):
        return body
    if not isinstance(body, dict):
        return " ".join(map(_collect_error_text, body)) if isinstance(body, list) else ""
    fields: dict[str, Any] = body
    names = ("code", "type", "status", "message", "detail", "msg", "error", "innererror", "metadata", "raw")
    return " ".join(_collect_error_text(fields[name]) for name in names if name in fields)
