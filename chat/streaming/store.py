"""What lies in Valkey for one turn: its words, its phase, its reader, and the wish to stop it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

import redis

from kit import valkey

KEPT_SECONDS = 15 * 60
# So long after its last reader an answer is written on: a phone may be locked or a lesson opened meanwhile. It must be
# less than an answer may take at all (chat.answering.desk), or a slow one would end as the model's fault.
READER_SECONDS = 240
# How often a lease is renewed while a page reads: what is left of it then varies by that part only.
RENEWALS = 12
BEGINNING = "0"


def words_key(turn_id: UUID) -> str:
    return f"turn:{turn_id}:words"


def turn_of(words: str) -> UUID:
    """The turn that a `words_key` belongs to."""
    return UUID(words.split(":")[1])


def stop_key(turn_id: UUID) -> str:
    return f"turn:{turn_id}:stop"


def reader_key(turn_id: UUID) -> str:
    return f"turn:{turn_id}:reader"


def phase_key(turn_id: UUID) -> str:
    return f"turn:{turn_id}:phase"


class Phase(StrEnum):
    """What the model does before its first word."""

    LOADING = "loading"
    THINKING = "thinking"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the stream: `text` belongs at character `at` of the answer; `is_end` closes it."""

    id: str
    at: int
    text: str
    tokens: int
    is_end: bool

    @classmethod
    def read(cls, entry_id: str, fields: dict[str, str]) -> "Entry":
        return cls(
            id=entry_id,
            at=int(fields.get("at", 0)),
            text=fields.get("text", ""),
            tokens=int(fields.get("n", 0)),
            is_end="end" in fields,
        )


@dataclass(slots=True)
class Written:
    """What a reader has of an answer so far. `last_id` is where to go on reading."""

    text: str = ""
    tokens: int = 0
    last_id: str = BEGINNING

    def add(self, entry: Entry) -> bool:
        """Take in the next entry. False when it does not continue the text that is here.

        A writer that lost its stream begins again at character 0, so an entry may overlap what is known.
        """
        self.last_id = entry.id
        if entry.is_end:
            return True
        continues = entry.at == len(self.text)
        self.text = self.text[: entry.at] + entry.text
        self.tokens = max(self.tokens, entry.tokens)
        return continues


def id_order(entry_id: str) -> tuple[int, int]:
    """A stream id as something that sorts; anything that is not an id sorts first."""
    time, _, sequence = entry_id.partition("-")
    if not time.isdecimal() or (sequence and not sequence.isdecimal()):
        return (0, 0)
    return (int(time), int(sequence or 0))


@cache
def _client() -> "redis.Redis":
    return valkey.client()


def written(turn_id: UUID) -> Written | None:
    """All that stands on the stream, or None when the stream cannot be read."""
    found = Written()
    try:
        entries: Any = _client().xrange(words_key(turn_id))
    except redis.RedisError:
        return None
    for entry_id, fields in entries:
        found.add(Entry.read(entry_id, fields))
    return found


def note_reader(turn_id: UUID) -> None:
    """Count the turn as read for READER_SECONDS from now."""
    _try(lambda client: client.set(reader_key(turn_id), "1", ex=READER_SECONDS))


def ask_stop(turn_id: UUID) -> None:
    _try(lambda client: client.set(stop_key(turn_id), "1", ex=KEPT_SECONDS))


def phase_of(turn_id: UUID) -> Phase | None:
    """What the model does before its first word, where the worker has said so."""
    try:
        told: Any = _client().get(phase_key(turn_id))
    except redis.RedisError:
        return None
    return Phase(told) if told else None


def end(turn_id: UUID) -> None:
    """Tell every reader that the turn has ended and the database has its whole answer."""

    def add(client: "redis.Redis") -> None:
        with client.pipeline(transaction=False) as pipe:
            pipe.xadd(words_key(turn_id), {"end": "1"})
            pipe.expire(words_key(turn_id), KEPT_SECONDS)
            pipe.execute()

    _try(add)


def forget(*turn_ids: UUID) -> None:
    keys = [key(turn_id) for turn_id in turn_ids for key in (words_key, stop_key, reader_key, phase_key)]
    if keys:
        _try(lambda client: client.delete(*keys))


def _try(act: Callable[["redis.Redis"], object]) -> None:
    # An echo that cannot be sent is no fault of the turn: readers come back to the database.
    try:
        act(_client())
    except redis.RedisError:
        return
