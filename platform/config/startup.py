"""Loads rules, networks and libraries when web or worker starts. `manage.py` and beat load none of it (ADR 47)."""

import logging

import encoders
import guard
from inference import provider
from kit import rate_limits
from safeguarding.crisis import load_crisis_texts
from safeguarding.readiness import find_protocol_problems

logger = logging.getLogger(__name__)


def load_for_web() -> None:
    """Load what web requests need. Raises InvalidFile or ModelFileError for an unusable file."""
    load_crisis_texts(requires_help_lines=False)
    for problem in find_protocol_problems():
        logger.error("The tutor is closed: %s", problem)
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
