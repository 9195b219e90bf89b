"""The modules that an event can belong to. Courses stand above events, so it is they who say which there are."""

from collections.abc import Callable, Iterable

type ModuleTitles = Callable[[], Iterable[tuple[str, str]]]

_sources: list[ModuleTitles] = []


def register_modules(titles: ModuleTitles) -> None:
    """`titles` gives each module's slug and its title in the reader's language."""
    _sources.append(titles)


def list_modules() -> list[tuple[str, str]]:
    return [one for titles in _sources for one in titles()]
