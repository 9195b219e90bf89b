"""Nudges to the workers. The work is a row in the database and a sweep finds it, so a lost nudge loses nothing."""

import logging

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def nudge(task: str, *args: str) -> None:
    """Send a task to a worker. While the broker is unavailable, log a warning and leave the work to the sweep."""
    try:
        current_app.send_task(task, args=args)
    except (OperationalError, OSError):
        logger.warning(
            "The broker is unavailable: %s of %s waits for the sweep.", task, ", ".join(args) or "all"
        )
