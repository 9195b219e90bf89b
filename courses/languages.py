"""What there is to read, in the reader's language, and in English where it has not been translated."""

from django.db.models import Model, Q, QuerySet
from django.utils.translation import get_language

FIRST = "en"


def readers_language() -> str:
    return get_language() or FIRST


def for_reader[M: Model](rows: QuerySet[M]) -> QuerySet[M]:
    """One row of each `slug`: the one in the reader's language, or else the one in English."""
    language = readers_language()
    if language == FIRST:
        return rows.filter(language=FIRST)
    translated = rows.filter(language=language).order_by().values("slug")
    return rows.filter(Q(language=language) | Q(language=FIRST) & ~Q(slug__in=translated))
