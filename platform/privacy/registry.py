"""What the site keeps about people: each room registers its kinds here, and all else is made from that.

The privacy page, the download, the erasure and the nightly forgetting read this one list, so that they cannot
say or do different things. A room calls `register` in its AppConfig.ready(); nothing here knows any room.
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
# What a row may hold. A time is aware and keeps its instant: whoever writes it down puts it on a person's clock.
type RowValue = str | int | float | bool | date | datetime | list[str] | None
type Row = dict[str, RowValue]

SLUG = re.compile(r"[a-z]+(-[a-z]+)*")


class DeleteExpired(Protocol):
    """A service that deletes what is past its days, and says how many rows that were."""

    def __call__(self, *, now: datetime | None = None) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long a kind is kept, in words for its readers: `%(days)d` in them becomes the days.

    With `days`, `counted_from` says when they start, `delete_expired` deletes what is older, and `task` is the Celery
    task in the beat schedule that calls it every night. Without `days` a row is kept until its person deletes it, or
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
    """One kind of thing that is kept about a person.

    `description` says what it is and why it is kept, `visible_to` who can see it, `erasure_removes` what an erasure
    deletes, and `erasure_keeps` what it leaves.
    `export` yields rows with the keys of `labels`, in their order, and holds no more than a few of them at
    once. `erase` runs within the erasure's transaction, with the person's row locked; whatever it does
    outside of the database waits for the commit. `is_private` kinds are left out of what a parent exports.
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
    """Make a room's kinds known.

    The same kind again does nothing. Another of its name, or a room that settings.ERASE_ORDER does not name, is an
    ImproperlyConfigured.
    """
    if room not in settings.ERASE_ORDER:
        raise ImproperlyConfigured(f"ERASE_ORDER does not say when the room {room} is erased.")
    for kind in kinds:
        if _kinds.get(kind.name, kind) is not kind:
            raise ImproperlyConfigured(f"Two kinds call themselves {kind.name}.")
        _kinds[kind.name] = kind
        _rooms[kind.name] = room


def list_kinds(*, for_parent: bool = False) -> list[DataKind]:
    """Every kind, or those that a parent may export too, in the order in which they are erased (ERASE_ORDER)."""
    found = [kind for kind in _kinds.values() if not (for_parent and kind.is_private)]
    return sorted(found, key=lambda kind: settings.ERASE_ORDER.index(_rooms[kind.name]))


def list_rooms() -> set[str]:
    """The rooms that have registered kinds."""
    return set(_rooms.values())


def no_rows(_person: Person) -> Iterator[Row]:
    """The export of a kind that no row of ours tells of."""
    return iter(())


def erased_by_cascade(_person: Person) -> None:
    """The erasure of a kind that goes by itself, or with its person's row."""
