"""The modules that an event can belong to. Courses stand above events, so it is they who say which there are."""

from collections.abc import Callable, Iterable

type Titles = Callable[[], Iterable[tuple[str, str]]]

_known: list[Titles] = []


def register(titles: Titles) -> None:
    """`titles` gives each module's slug and its title in the reader's language."""
    _known.append(titles)


def modules_known() -> list[tuple[str, str]]:
    return [one for titles in _known for one in titles()]
