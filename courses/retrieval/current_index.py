"""Keep an index of each language in memory, and read it again when the library has changed.

The library's version is a row that changes in the transaction that changes the library. A process reads it at most
every CHECK_SECONDS for each language. Versions are random: a number would return after a rollback, with other content.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from django.db import connection, transaction

from courses.models import LibraryVersion

if TYPE_CHECKING:
    from courses.retrieval.passage_index import PassageIndex

CHECK_SECONDS = 1.0

logger = logging.getLogger(__name__)


def get_index(language: str) -> "PassageIndex":
    """Return the index of a language, as this transaction sees the library or as it was about CHECK_SECONDS ago.

    While one thread reads a new index, others get the old one. If reading fails, the old one is kept and it is tried
    again after CHECK_SECONDS; without an old one, the error is raised.
    """
    if change := _find_own_change():
        return change.get_index(language)
    return _get_keeper(language).get()


def note_library_change() -> None:
    """Have every process read the library again. Call it in the transaction that changes passages or their index.

    This process does so with its first question after the commit, and never if the transaction is rolled back. A
    question inside the transaction is answered from what the transaction has written.
    """
    change = _Change(uuid4())
    LibraryVersion.objects.update_or_create(pk=LibraryVersion.ONLY, defaults={"version": change.version})
    transaction.on_commit(change)


@dataclass(eq=False)
class _Change:
    """A change of the library that is not committed yet, with the indexes that its own transaction asked for."""

    version: UUID
    indexes: "dict[str, PassageIndex]" = field(default_factory=dict)

    def __call__(self) -> None:
        for keeper in list(_keepers.values()):
            keeper.expire()

    def get_index(self, language: str) -> "PassageIndex":
        if language not in self.indexes:
            self.indexes[language] = _read_index(language, self.version)
        return self.indexes[language]


def _find_own_change() -> _Change | None:
    """Return the last change of the current transaction. Django drops those that were rolled back from its list."""
    called: list[Callable[[], object]] = [entry[1] for entry in connection.run_on_commit]
    return next((call for call in reversed(called) if isinstance(call, _Change)), None)


class _IndexKeeper:
    """The index of one language for all threads of the process."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._index: PassageIndex | None = None
        self._next_check = 0.0
        self._lock = Lock()

    def get(self) -> "PassageIndex":
        if (index := self._index) is not None and monotonic() < self._next_check:
            return index
        if index is None:
            self._lock.acquire()
        elif not self._lock.acquire(blocking=False):
            return index
        try:
            return self._check()
        finally:
            self._lock.release()

    def expire(self) -> None:
        """Check the version with the next question."""
        self._next_check = 0.0

    def _check(self) -> "PassageIndex":
        if self._index is not None and monotonic() < self._next_check:
            return self._index
        # Before the version is read, so that an expiry in the meantime is not lost.
        self._next_check = monotonic() + CHECK_SECONDS
        try:
            version = _read_version()
            if self._index is None or self._index.version != version:
                self._index = _read_index(self._language, version)
        except Exception:
            if self._index is None:
                raise
            logger.exception(
                "The lessons in %s could not be read again; search uses the old ones", self._language
            )
        return self._index


_keepers: dict[str, _IndexKeeper] = {}


def _get_keeper(language: str) -> _IndexKeeper:
    # `setdefault` so that two threads get the same one.
    return _keepers.get(language) or _keepers.setdefault(language, _IndexKeeper(language))


def _read_version() -> UUID | None:
    return LibraryVersion.objects.values_list("version", flat=True).first()


def _read_index(language: str, version: UUID | None) -> "PassageIndex":
    from courses.retrieval.passage_index import read_index  # noqa: PLC0415 - it imports numpy

    return read_index(language, version)
