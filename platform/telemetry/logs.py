"""How the site writes its log: a line for people in the demo, a JSON object a line in production.

Words of a chat are in neither. Libraries that would log them (a statement with its values, a request with its
body) are kept from it at every level, and what PostgreSQL quotes of a row is cut out of a fault's text.
"""

import json
import logging
import re
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from telemetry.context import get_log_ids

# What every record has; anything else was given as `extra`.
STANDARD_ATTRIBUTES = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
# These tell of every request at INFO, or of its body or values at DEBUG.
MIN_LEVELS = {
    "httpx2": logging.WARNING,
    "openai": logging.INFO,
    "django.db.backends": logging.INFO,
    # Two lines for every nudge and every tick of the clock; what becomes of a turn is told by the desk.
    "celery.worker.strategy": logging.WARNING,
    "celery.app.trace": logging.WARNING,
    # Its lines have addresses of people, and paths that open something; telemetry.request_log writes others instead.
    "uvicorn.access": logging.WARNING,
}
QUOTED_ROW = re.compile(
    r"^DETAIL:.*?(?=^\s*$\n(?:The above exception|During handling)|\Z)", re.MULTILINE | re.DOTALL
)

type Fault = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def strip_quoted_rows(text: str) -> str:
    """A fault's text without what PostgreSQL quotes of the row that it met."""
    return QUOTED_ROW.sub("DETAIL: (left out)\n", text).rstrip()


def get_extra_fields(record: logging.LogRecord) -> dict[str, Any]:
    given = {name: value for name, value in vars(record).items() if name not in STANDARD_ATTRIBUTES}
    # Django hands the request along, which is neither short nor without a name.
    return {name: value for name, value in given.items() if isinstance(value, str | int | float)}


class RouteFilter(logging.Filter):
    """Puts the route in the place of a request's path, which may open something: an invitation, a sign-up."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        path = getattr(request, "path", None)
        if path and isinstance(record.args, tuple) and path in record.args:
            match = getattr(request, "resolver_match", None)
            route = match.route if match else "(none)"
            record.args = tuple(route if one == path else one for one in record.args)
        return True


class LineFormatter(logging.Formatter):
    """`time LEVEL logger message id=…`"""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name} {message}", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        return " ".join(
            [super().formatMessage(record), *(f"{name}={one}" for name, one in get_log_ids().items())]
        )

    def formatException(self, ei: Fault) -> str:  # noqa: N802
        return strip_quoted_rows(super().formatException(ei))


class JSONFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **get_log_ids(),
            **get_extra_fields(record),
        }
        if record.exc_info:
            told["fault"] = strip_quoted_rows(self.formatException(record.exc_info))
        return json.dumps(told, ensure_ascii=False, default=str)


def build_logging_config(*, level: str, as_json: bool) -> dict[str, Any]:
    """The logging of every process, for logging.config.dictConfig. `level` is a name: "INFO"."""
    chosen = logging.getLevelNamesMapping()[level.upper()]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": JSONFormatter if as_json else LineFormatter}},
        "filters": {"routes": {"()": RouteFilter}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["routes"]}
        },
        "loggers": {name: {"level": max(chosen, least)} for name, least in MIN_LEVELS.items()}
        # uvicorn brings a form of its own, which no program reads.
        | {name: {"handlers": [], "propagate": True} for name in ("uvicorn", "uvicorn.error")},
        "root": {"handlers": ["console"], "level": chosen},
    }
