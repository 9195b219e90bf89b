"""Whether the tutor may be open: outside a demo, the crisis texts must have been reviewed."""

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


def is_tutor_open() -> bool:
    """Return whether the tutor may open. Outside a demo, its crisis texts must have been reviewed first."""
    return bool(settings.DEMO) or is_review_recorded(settings.CRISIS_TEXTS_REVIEW)
