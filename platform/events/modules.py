"""The course modules that an event can belong to. Courses may import events but not the reverse, so they register."""

from collections.abc import Callable, Iterable

from events.models import Event

type ModuleTitles = Callable[[], Iterable[tuple[str, str]]]

_sources: list[ModuleTitles] = []


def register_modules(titles: ModuleTitles) -> None:
    """Register a function that returns each module's slug and its title in the active language."""
    _sources.append(titles)


def list_module_choices() -> list[tuple[str, str]]:
    """List the slug and title of every registered module."""
    return [title for titles in _sources for title in titles()]


def rename_module(*, was: str, slug: str) -> None:
    """Let the events of a module that was renamed go with it."""
    Event.objects.filter(module_slug=was).update(module_slug=slug)
