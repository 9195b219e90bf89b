"""What a process that serves loads before anybody waits for it. `manage.py` and the clock load none of it (ADR 47)."""

import encoders
import guard
from inference import provider


def get_web_ready() -> None:
    """Load what a question needs while it is taken. Raises where a file of rules or of a network cannot be used."""
    guard.get_ready()
    encoders.get_ready()
    # The first run of each takes longer than the next.
    guard.judge_conversation([("user", "hello")])
    encoders.sense_of("hello")


def get_worker_ready() -> None:
    """Load what an answer needs. Raises as `get_web_ready` does.

    Lessons are searched where a question is taken, so their network is loaded by the first task that needs it.
    """
    guard.get_ready()
    provider.get_ready()
