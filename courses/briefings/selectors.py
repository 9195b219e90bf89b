"""Reads of the briefings. Everybody may read all of them."""

from django.db.models import QuerySet

from courses.languages import read_in
from courses.models import Briefing


def briefings_shown() -> QuerySet[Briefing]:
    """The briefings, newest first, each in the reader's language or, until it is written in it, in the first one."""
    return read_in(Briefing.objects.all(), name="slug")


def years_shown() -> list[int]:
    """The years that have a briefing, newest first."""
    return [day.year for day in briefings_shown().dates("date", "year", order="DESC")]
