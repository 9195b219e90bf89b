"""Reads of the briefings. Everybody may read all of them."""

from django.db.models import QuerySet

from courses.languages import for_reader
from courses.models import Briefing


def briefings_shown() -> QuerySet[Briefing]:
    """The briefings, newest first."""
    return for_reader(Briefing.objects.all())


def years_shown() -> list[int]:
    """The years that have a briefing, newest first."""
    return [day.year for day in briefings_shown().dates("date", "year", order="DESC")]
