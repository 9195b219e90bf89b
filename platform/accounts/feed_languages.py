"""The language of a feed is part of its address: a program that fetches it says nothing of who reads it."""

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language


def feed_language(request: HttpRequest) -> str:
    """The language that a feed's address names; the first one without."""
    named = request.GET.get("language", "")
    return named if named in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def feed_path(route: str) -> str:
    """The path of a feed in the page's language."""
    language = get_language() or settings.LANGUAGE_CODE
    path = reverse(route)
    return path if language == settings.LANGUAGE_CODE else f"{path}?language={language}"
