"""Whether the tutor may be open: the protocol is published and, outside a demo, the crisis texts were reviewed."""

import re
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


def is_tutor_open() -> bool:
    """Return whether the tutor may open.

    Outside a demo, its crisis texts must have been reviewed first. The protocol's page and the help lines must answer.
    """
    from safeguarding.readiness import is_protocol_published  # noqa: PLC0415 - its pages import this module

    return are_texts_reviewed() and is_protocol_published()
