"""Whether the tutor may be open: the protocol is published and, outside a demo, the crisis texts were reviewed.

The site must also be set up (desk.setup).
"""

import re
from collections.abc import Callable
from datetime import date

from django.conf import settings

RECORD = re.compile(r"\w.*,\s*(\d{4}-\d{2}-\d{2})")


def is_review_recorded(record: str) -> bool:
    """Return whether `record` names a reviewer and a past date, as in "Dr A. Name, 2026-11-22"."""
    match = RECORD.fullmatch(record.strip())
    try:
        return match is not None and date.fromisoformat(match[1]) <= date.today()  # noqa: DTZ011 - a day, anywhere
    except ValueError:
        return False


def are_texts_reviewed() -> bool:
    """Return whether the crisis texts may be used: a review is recorded, or this is a demo."""
    return bool(settings.DEMO) or is_review_recorded(settings.CRISIS_TEXTS_REVIEW)


_opening_checks: list[Callable[[], bool]] = []


def register_opening_check(is_met: Callable[[], bool]) -> None:
    """Keep the tutor closed while `is_met` returns False. It is called for each question, so it must be quick."""
    if is_met not in _opening_checks:
        _opening_checks.append(is_met)


def is_tutor_open() -> bool:
    """Return whether the tutor may open.

    Outside a demo, its crisis texts must have been reviewed first. The protocol's page and the help lines must answer.
    Other rooms may have registered more.
    """
    from safeguarding.readiness import is_protocol_published  # noqa: PLC0415 - its pages import this module

    return are_texts_reviewed() and is_protocol_published() and all(is_met() for is_met in _opening_checks)
