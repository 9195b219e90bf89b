"""Nudges to the workers. A row in the database is the truth and a sweeper finds it: losing a nudge loses nothing."""

import logging

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def nudge(task: str, *args: str) -> None:
    """Send a task to whichever worker is free; while the broker is away, leave it to the sweeper."""
    try:
        current_app.send_task(task, args=args)
    except (OperationalError, OSError):
        logger.warning("The broker is away: %s of %s waits for the sweeper.", task, ", ".join(args) or "all")
