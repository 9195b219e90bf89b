"""Tells a worker that turns wait. Losing a nudge loses nothing: the sweeper finds the row and sends another.

A nudge makes a worker take whatever is next in line, so in a rush one of them serves for many questions: the first is
sent at once, and those that come within a moment of it are told of together.
"""

import logging
import threading
import time
from uuid import UUID

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

GATHER_SECONDS = 0.03


class Gathering:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent_at = -GATHER_SECONDS
        self._later: threading.Timer | None = None

    def add(self, turn_id: UUID) -> None:
        """Send a nudge now, or have it sent within GATHER_SECONDS."""
        with self._lock:
            if self._later is not None:
                return
            now = time.monotonic()
            wait = self._sent_at + GATHER_SECONDS - now
            if wait > 0:
                self._later = threading.Timer(wait, self._send_later, [turn_id])
                self._later.daemon = True
                self._later.start()
                return
            self._sent_at = now
        _send(turn_id)

    def _send_later(self, turn_id: UUID) -> None:
        with self._lock:
            # From here on whoever comes is told of by the next nudge: this one may be taken before they are there.
            self._later, self._sent_at = None, time.monotonic()
        _send(turn_id)


def _send(turn_id: UUID) -> None:
    try:
        current_app.send_task("chat.tasks.turns_take", args=[str(turn_id)])
    except (OperationalError, OSError):
        logger.warning("The broker is away: turn %s waits for the sweeper.", turn_id)


def send_watch() -> None:
    """Have a worker look at the questions that wait for the model, now rather than when beat says so."""
    try:
        current_app.send_task("chat.tasks.deferred_watch")
    except (OperationalError, OSError):
        logger.warning("The broker is away: what waits for the model is looked at by beat.")


_gathering = Gathering()


def send(turn_id: UUID) -> None:
    _gathering.add(turn_id)
