"""What a process that serves loads before anybody waits for it. `manage.py` and the clock load none of it (ADR 47)."""

import encoders
import guard
from inference import provider


def load_for_web() -> None:
    """Load what a question needs while it is taken. Raises where a file of rules or of a network cannot be used."""
    guard.load_guard()
    encoders.load_network()
    # The first run of each takes longer than the next.
    guard.judge_conversation([("user", "hello")])
    encoders.embed("hello")


def load_for_worker() -> None:
    """Load what an answer needs. Raises as `load_for_web` does.

    Lessons are searched where a question is taken, so their network is loaded by the first task that needs it.
    """
    guard.load_guard()
    provider.load_client()
