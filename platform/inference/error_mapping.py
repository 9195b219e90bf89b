"""Which fault a server's refusal is. Its words are read for that, and never repeated: they may quote the question."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from django.utils import timezone

from inference import errors, quirks

# Longer than this is no time to try again after, but a mistake.
MAX_RETRY_AFTER_SECONDS = 24 * 3600


def map_status_error(status: int, body: object, headers: Mapping[str, str]) -> errors.ModelError:
    """The fault that an HTTP status and its body stand for."""
    kind = None if status in quirks.CONFIGURATION_STATUSES else _match_error_text(body)
    retry_after = parse_retry_after(headers)
    if status == HTTPStatus.TOO_MANY_REQUESTS and retry_after is not None:
        # Gemini speaks of quota and billing too where all it wants is a little time.
        kind = errors.ModelBusy
    return (kind or quirks.STATUS_ERRORS.get(status, errors.ModelMisconfigured))(
        f"{status}", retry_after=retry_after
    )


def map_event_error(error: object) -> errors.ModelError:
    """The fault that an `error` in the middle of a stream stands for."""
    told = error if isinstance(error, dict) else {}
    code = told.get("code") or told.get("status") or told.get("type") or ""
    kind = _match_error_text(error)
    if kind is None and str(code).isdecimal():
        kind = quirks.STATUS_ERRORS.get(int(code))
    return (kind or errors.ModelMisconfigured)(str(code))


def is_model_loading(status: int, body: object) -> bool:
    """Whether a server says that its model is not loaded yet, so that it is worth while to wait for it."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR and bool(
        quirks.LOADING.search(_collect_error_text(body))
    )


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until the server wants to be asked again, where it says so; as a number or as a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        told = headers.get(name, "").strip()
        try:
            seconds = float(told) * unit
        except ValueError:
            seconds = _seconds_until(told)
        if 0 <= seconds <= MAX_RETRY_AFTER_SECONDS:
            return seconds
    return None


def _seconds_until(date: str) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return -1
    return (moment - timezone.now()).total_seconds() if moment.tzinfo else -1


def _match_error_text(body: object) -> type[errors.ModelError] | None:
    words = _collect_error_text(body)
    return next((kind for sign, kind in quirks.ERROR_TEXT_PATTERNS if sign.search(words)), None)


def _collect_error_text(body: object) -> str:
    """Code, type and message of an error, wherever in the body they are."""
    if isinstance(body, str):
        return body
    if not isinstance(body, dict):
        return " ".join(map(_collect_error_text, body)) if isinstance(body, list) else ""
    found: dict[str, Any] = body
    names = ("code", "type", "status", "message", "detail", "msg", "error", "innererror", "metadata", "raw")
    return " ".join(_collect_error_text(found[name]) for name in names if name in found)
