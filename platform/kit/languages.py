"""The language of a page, of its content, and of a feed."""

from django.conf import settings
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language


def get_page_language() -> str:
    return get_language() or settings.LANGUAGE_CODE


def select_language[Written: Model](
    rows: QuerySet[Written], *, name: str, language: str | None = None
) -> QuerySet[Written]:
    """Keep one translation of each `name`: in `language` (default: the page's) or else in the default language."""
    language = language or get_page_language()
    first = Q(language=settings.LANGUAGE_CODE)
    if language == settings.LANGUAGE_CODE:
        return rows.filter(first)
    own = rows.filter(language=language).order_by().values(name)
    return rows.filter(Q(language=language) | first & ~Q(**{f"{name}__in": own}))


def set_language_cookie(response: HttpResponse, language: str) -> None:
    """Have this browser read the site in a language, as the choice at the foot of each page does."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite="Lax",
        secure=settings.LANGUAGE_COOKIE_SECURE,
    )


def get_feed_language(request: HttpRequest) -> str:
    """Return the language named in a feed's query; the default language if it names none."""
    named = request.GET.get("language", "")
    return named if named in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def build_feed_path(route: str) -> str:
    """Return the path of a feed in the page's language."""
    language = get_page_language()
    path = reverse(route)
    return path if language == settings.LANGUAGE_CODE else f"{path}?language={language}"
