"""The registry of personal data. Each room registers its data kinds here.

The privacy page, the export, the erasure and the nightly deletion all read this list, so that they cannot disagree. A
room calls `register_kinds` in its AppConfig.ready(); this module imports no room.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model
from django.utils.functional import Promise

from kit.person import Person

type StrOrPromise = str | Promise
# What a row may contain. Datetimes are aware; the archive converts them to the person's time zone.
type RowValue = str | int | float | bool | date | datetime | list[str] | None
type Row = dict[str, RowValue]

SLUG = re.compile(r"[a-z]+(-[a-z]+)*")


class DeleteExpired(Protocol):
    """A service that deletes rows past their retention and returns how many."""

    def __call__(self, *, now: datetime | None = None) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long a data kind is kept. In `text`, `%(days)d` is replaced by the days.

    With `days`, `counted_from` says when they start, `delete_expired` deletes what is older, and `task` is the Celery
    task in the beat schedule that calls it every night. Without `days`, a row is kept until its person deletes it, or
    their account.
    """

    text: StrOrPromise
    days: int | None = None
    counted_from: StrOrPromise = ""
    delete_expired: DeleteExpired | None = None
    task: str = ""

    def __post_init__(self) -> None:
        timed = (bool(self.counted_from), self.delete_expired is not None, bool(self.task))
        if set(timed) != {self.days is not None}:
            raise ImproperlyConfigured("Days come with their beginning, their service and its task, or not.")

    def __str__(self) -> str:
        return str(self.text) if self.days is None else str(self.text) % {"days": self.days}


@dataclass(frozen=True, kw_only=True)
class DataKind:
    """One kind of personal data.

    `description` says what it is and why it is kept, `visible_to` who can see it, `erasure_removes` what an erasure
    deletes, and `erasure_keeps` what it leaves.

    `export` yields rows with the keys of `labels`, in that order, without loading all of them. `erase` runs in the
    erasure's transaction with the person's row locked; side effects outside the database must wait for the commit.
    `is_private` kinds are left out of a parent's export.
    """

    name: str
    title: StrOrPromise
    description: StrOrPromise
    retention: Retention
    is_private: bool
    export: Callable[[Person], Iterator[Row]]
    erase: Callable[[Person], None]
    labels: dict[str, StrOrPromise] = field(default_factory=dict)
    models: tuple[type[Model], ...] = ()
    visible_to: StrOrPromise = ""
    erasure_removes: StrOrPromise = ""
    erasure_keeps: StrOrPromise = ""

    def __post_init__(self) -> None:
        if not SLUG.fullmatch(self.name):
            raise ImproperlyConfigured(f"A kind's name becomes a file's name, and {self.name!r} is no slug.")


_kinds: dict[str, DataKind] = {}
_rooms: dict[str, str] = {}


def register_kinds(*kinds: DataKind, room: str) -> None:
    """Register a room's kinds. Registering the same kind again does nothing.

    Raises ImproperlyConfigured for another kind of the same name, or for a room that settings.ERASE_ORDER does not
    name.
    """
    if room not in settings.ERASE_ORDER:
        raise ImproperlyConfigured(f"ERASE_ORDER does not say when the room {room} is erased.")
    for kind in kinds:
        if _kinds.get(kind.name, kind) is not kind:
            raise ImproperlyConfigured(f"Two kinds call themselves {kind.name}.")
        _kinds[kind.name] = kind
        _rooms[kind.name] = room


def list_kinds(*, for_parent: bool = False) -> list[DataKind]:
    """List all kinds, or those in a parent's export, in the order of erasure (settings.ERASE_ORDER)."""
    kinds = [kind for kind in _kinds.values() if not (for_parent and kind.is_private)]
    return sorted(kinds, key=lambda kind: settings.ERASE_ORDER.index(_rooms[kind.name]))


def list_rooms() -> set[str]:
    """Return the rooms that have registered kinds."""
    return set(_rooms.values())


def no_rows(_person: Person) -> Iterator[Row]:
    """An `export` for kinds without rows about a person."""
    return iter(())


def erased_by_cascade(_person: Person) -> None:
    """An `erase` for kinds that are deleted with the person's row, or that expire."""
