"""How the site writes its log."""

from typing import Any


def logging_for(*, level: str) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        # The client tells of every request at INFO: one line a turn that says nothing.
        "loggers": {"httpx2": {"level": "WARNING"}},
        "root": {"handlers": ["console"], "level": level},
    }
