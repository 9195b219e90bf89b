"""Reads of the briefings. Everybody may read all of them."""

from django.db.models import QuerySet
from django.utils.translation import get_language

from courses.models import Briefing


def briefings_shown() -> QuerySet[Briefing]:
    """The briefings in the reader's language, newest first."""
    return Briefing.objects.filter(language=get_language() or "en")


def years_shown() -> list[int]:
    """The years that have a briefing, newest first."""
    return [day.year for day in briefings_shown().dates("date", "year", order="DESC")]
