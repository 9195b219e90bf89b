"""Tells a worker that a mail waits. Losing a nudge loses nothing: the sweeper finds the row and sends another."""

import logging
from uuid import UUID

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def send(mail_id: UUID) -> None:
    try:
        current_app.send_task("mail.tasks.mail_send", args=[str(mail_id)])
    except (OperationalError, OSError):
        logger.warning("The broker is away: mail %s waits for the sweeper.", mail_id)
