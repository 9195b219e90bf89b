"""Loads rules, networks and libraries when web or worker starts. `manage.py` and beat load none of it (ADR 47)."""

import encoders
import guard
from inference import provider
from kit import rate_limits
from safeguarding.crisis import load_crisis_texts


def load_for_web() -> None:
    """Load what web requests need. Raises InvalidFile or ModelFileError for an unusable file."""
    load_crisis_texts()
    rate_limits.load_libraries()
    guard.load_guard()
    encoders.load_network()
    # Warm up: the first run of each takes longer.
    guard.judge_conversation([("user", "hello")])
    encoders.embed("hello")


def load_for_worker() -> None:
    """Load what answers need. Raises InvalidFile or ModelFileError for an unusable file.

    Lessons are searched by web requests, so the embedding network is loaded only by a task that needs it.
    """
    guard.load_guard()
    provider.load_client()
