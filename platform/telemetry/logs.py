"""The log format: plain lines in the demo, one JSON object per line in production.

The text of conversations is never logged. Libraries that would log it (a statement with its values, a request with its
body) are limited at every level, and the row values that PostgreSQL quotes are cut out of tracebacks.
"""

import json
import logging
import re
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from telemetry.context import get_log_ids

# Attributes that every record has; all others were passed as `extra`.
STANDARD_ATTRIBUTES = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
# These loggers write every request at INFO, or its body or values at DEBUG.
MIN_LEVELS = {
    "httpx2": logging.WARNING,
    "openai": logging.INFO,
    "django.db.backends": logging.INFO,
    # Two lines for each nudge and each beat; the worker logs what becomes of a turn.
    "celery.worker.strategy": logging.WARNING,
    "celery.app.trace": logging.WARNING,
    # Its lines contain IP addresses and secret paths; telemetry.request_log replaces them.
    "uvicorn.access": logging.WARNING,
}
QUOTED_ROW = re.compile(
    r"^DETAIL:.*?(?=^\s*$\n(?:The above exception|During handling)|\Z)", re.MULTILINE | re.DOTALL
)

type ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def strip_quoted_rows(text: str) -> str:
    """Return a traceback without the row values that PostgreSQL quotes."""
    return QUOTED_ROW.sub("DETAIL: (left out)\n", text).rstrip()


def get_extra_fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return the extra fields of a log record that are text or numbers. Objects are left out."""
    extra = {name: value for name, value in vars(record).items() if name not in STANDARD_ATTRIBUTES}
    # Django passes the request itself, which is long and identifies a person.
    return {name: value for name, value in extra.items() if isinstance(value, str | int | float)}


class RouteFilter(logging.Filter):
    """Replaces a request's path by its route: a path can contain a secret, such as an invitation's token."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        path = getattr(request, "path", None)
        if path and isinstance(record.args, tuple) and path in record.args:
            match = getattr(request, "resolver_match", None)
            route = match.route if match else "(none)"
            record.args = tuple(route if arg == path else arg for arg in record.args)
        return True


class LineFormatter(logging.Formatter):
    """`time LEVEL logger message id=…`"""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name} {message}", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        return " ".join(
            [super().formatMessage(record), *(f"{name}={value}" for name, value in get_log_ids().items())]
        )

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802
        return strip_quoted_rows(super().formatException(ei))


class JSONFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **get_log_ids(),
            **get_extra_fields(record),
        }
        if record.exc_info:
            entry["exception"] = strip_quoted_rows(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False, default=str)


def build_logging_config(*, level: str, as_json: bool) -> dict[str, Any]:
    """Return the configuration of every process for `logging.config.dictConfig`. `level` is a name such as "INFO"."""
    chosen = logging.getLevelNamesMapping()[level.upper()]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": JSONFormatter if as_json else LineFormatter}},
        "filters": {"routes": {"()": RouteFilter}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["routes"]}
        },
        "loggers": {name: {"level": max(chosen, minimum)} for name, minimum in MIN_LEVELS.items()}
        # uvicorn has a format of its own, which is not JSON.
        | {name: {"handlers": [], "propagate": True} for name in ("uvicorn", "uvicorn.error")},
        "root": {"handlers": ["console"], "level": chosen},
    }
