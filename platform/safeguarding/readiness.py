"""Whether the crisis protocol is published: its public page and the help lines answer. Otherwise the tutor is closed.

A law requires it (CA Bus. & Prof. Code §22602(b)).
"""

from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils import translation

from kit.authored import InvalidFile, read_toml
from kit.timed_cache import TimedCache
from safeguarding import datafile, helplines

PAGES = ("/help/protocol", "/help/now")
CACHE_SECONDS = 60


def find_protocol_problems() -> list[str]:
    """Return why the tutor must stay closed, for an admin; an empty list if both pages answer in every language."""
    return find_file_problems() or [
        problem
        for code, _name in settings.LANGUAGES
        for path in PAGES
        if (problem := _find_page_problem(path, code))
    ]


def find_file_problems() -> list[str]:
    """Return what is wrong with the file of help lines. Read again: it was valid when the process started."""
    try:
        read_toml(datafile.FOLDER / helplines.FILE)
    except InvalidFile as invalid:
        return [str(error) for error in invalid.errors]
    return []


def _find_page_problem(path: str, language: str) -> str:
    """Return why a page does not answer 200, or ""."""
    request = HttpRequest()
    request.method, request.path, request.path_info = "GET", path, path
    try:
        with translation.override(language):
            match = resolve(path)
            status = match.func(request, *match.args, **match.kwargs).status_code
    except Resolver404:
        return f"{path} has no page."
    except Exception as error:  # noqa: BLE001 - any error on the page closes the tutor
        return f"{path} ({language}) fails: {type(error).__name__}: {error}"
    return "" if status == HTTPStatus.OK else f"{path} ({language}) answers {status}."


_cache = TimedCache[tuple[list[str]]](lambda: (find_protocol_problems(),), seconds=CACHE_SECONDS)


def is_protocol_published() -> bool:
    """Return whether the protocol's page and the help lines answered within the last minute."""
    return not _cache.get()[0]


def clear_protocol_check_cache() -> None:
    """Have `is_protocol_published` check again in this process."""
    _cache.clear()
