"""In which language something is read: the reader's own once it is written in it, and until then the first one."""

from django.conf import settings
from django.db.models import Model, Q, QuerySet
from django.utils.translation import get_language


def page_language() -> str:
    return get_language() or settings.LANGUAGE_CODE


def read_in[Written: Model](
    rows: QuerySet[Written], *, name: str, language: str | None = None
) -> QuerySet[Written]:
    """Of the rows that share a `name`, the one in `language` (the page's, without one), or else in the first one."""
    language = language or page_language()
    first = Q(language=settings.LANGUAGE_CODE)
    if language == settings.LANGUAGE_CODE:
        return rows.filter(first)
    own = rows.filter(language=language).order_by().values(name)
    return rows.filter(Q(language=language) | first & ~Q(**{f"{name}__in": own}))
