"""Tells a worker that a turn waits. Losing a nudge loses nothing: the sweeper finds the row and sends another."""

import logging
from uuid import UUID

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def send(turn_id: UUID) -> None:
    try:
        current_app.send_task("chat.tasks.turns_take", args=[str(turn_id)])
    except (OperationalError, OSError):
        logger.warning("The broker is away: turn %s waits for the sweeper.", turn_id)
