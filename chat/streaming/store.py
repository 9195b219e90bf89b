"""The Valkey keys of a turn: its stream, the model's phase, its readers, and the request to stop it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from kit import valkey
from kit.lazy import lazy_module

if TYPE_CHECKING:
    import redis
else:
    redis = lazy_module("redis")

KEPT_SECONDS = 15 * 60
# How long an answer continues after its last reader left: a phone may be locked, or a lesson open. This must be
# less than MAX_ANSWER_SECONDS (chat.answering.worker), or a slow answer would be recorded as a failure of the model.
READER_SECONDS = 240
# How many times a page renews its reader key within READER_SECONDS.
RENEWALS_PER_LEASE = 12
BEGINNING = "0"


def stream_key(turn_id: UUID) -> str:
    return f"turn:{turn_id}:words"


def parse_turn_id(key: str) -> UUID:
    """Return the turn id of a stream key."""
    return UUID(key.split(":")[1])


def stop_key(turn_id: UUID) -> str:
    return f"turn:{turn_id}:stop"


def reader_key(turn_id: UUID) -> str:
    return f"turn:{turn_id}:reader"


def phase_key(turn_id: UUID) -> str:
    return f"turn:{turn_id}:phase"


class ModelPhase(StrEnum):
    """What the model does before its first word."""

    LOADING = "loading"
    THINKING = "thinking"
    # The model that was to answer has failed, and another one is asked.
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """An entry of a stream: `text` belongs at character `at` of the answer; `is_end` closes the stream.

    A withdrawal takes back all earlier text, and has what stays of it.
    """

    id: str
    at: int
    text: str
    tokens: int
    is_end: bool
    # How many characters at the end of the answer so far wait for the verdict on their sentence.
    unjudged_length: int = 0
    is_withdrawal: bool = False

    @classmethod
    def read(cls, entry_id: str, fields: dict[str, str]) -> "StreamEntry":
        return cls(
            id=entry_id,
            at=int(fields.get("at", 0)),
            text=fields.get("text", ""),
            tokens=int(fields.get("n", 0)),
            is_end="end" in fields,
            unjudged_length=int(fields.get("unjudged", 0)),
            is_withdrawal="withdrawn" in fields,
        )


@dataclass(slots=True)
class StreamedAnswer:
    """The text of an answer that a reader has so far. `last_id` is the entry after which to continue."""

    text: str = ""
    tokens: int = 0
    last_id: str = BEGINNING
    unjudged_length: int = 0

    @property
    def judged_text(self) -> str:
        """The text without the sentence at its end that was not judged yet."""
        return self.text[: len(self.text) - self.unjudged_length]

    def add(self, entry: StreamEntry) -> bool:
        """Add the next entry. Returns whether it continues the text; False means that it replaces a part.

        A writer that lost its stream begins again at character 0, so an entry may overlap the known text.
        """
        self.last_id = entry.id
        if entry.is_end:
            return True
        continues = entry.at == len(self.text) and not entry.is_withdrawal
        self.text = self.text[: entry.at] + entry.text
        self.unjudged_length = entry.unjudged_length
        self.tokens = max(self.tokens, entry.tokens)
        return continues


def parse_entry_id(entry_id: str) -> tuple[int, int]:
    """Return an entry id as a sortable pair; (0, 0) if it is not an id."""
    time, _, sequence = entry_id.partition("-")
    if not time.isdecimal() or (sequence and not sequence.isdecimal()):
        return (0, 0)
    return (int(time), int(sequence or 0))


@cache
def _client() -> "redis.Redis":
    return valkey.create_client()


def read_stream(turn_id: UUID) -> StreamedAnswer | None:
    """Return the text on the stream, or None if Valkey cannot be read."""
    entries = _read_entries(turn_id)
    return None if entries is None else _build_answer(entries)


def read_judged_stream(turn_id: UUID) -> StreamedAnswer | None:
    """Return the text on the stream up to the last entry that was judged whole, or None if Valkey cannot be read.

    A page that cannot take back what it shows is built from this.
    """
    if (entries := _read_entries(turn_id)) is None:
        return None
    judged_text = _build_answer(entries).judged_text
    answer, judged = StreamedAnswer(), StreamedAnswer()
    for entry in entries:
        answer.add(entry)
        # An entry before the text began again may not lead to it.
        if judged_text.startswith(answer.text):
            judged = replace(answer, unjudged_length=0)
    return judged


def _read_entries(turn_id: UUID) -> list[StreamEntry] | None:
    try:
        entries: Any = _client().xrange(stream_key(turn_id))
    except redis.RedisError:
        return None
    return [StreamEntry.read(entry_id, fields) for entry_id, fields in entries]


def _build_answer(entries: Iterable[StreamEntry]) -> StreamedAnswer:
    answer = StreamedAnswer()
    for entry in entries:
        answer.add(entry)
    return answer


def record_reader(turn_id: UUID) -> None:
    """Mark the turn as being read for READER_SECONDS. Ignores errors of Valkey."""
    _ignore_valkey_errors(lambda client: client.set(reader_key(turn_id), "1", ex=READER_SECONDS))


def request_stop(turn_id: UUID) -> None:
    """Ask the worker of a turn to stop. Errors of Valkey are ignored, because the turn's row has the request too."""
    _ignore_valkey_errors(lambda client: client.set(stop_key(turn_id), "1", ex=KEPT_SECONDS))


def get_phase(turn_id: UUID) -> ModelPhase | None:
    """Return what the model does before its first word, or None if unknown."""
    try:
        phase: Any = _client().get(phase_key(turn_id))
    except redis.RedisError:
        return None
    return ModelPhase(phase) if phase else None


def end_stream(turn_id: UUID) -> None:
    """Tell readers that the turn has ended and the database has its whole answer. Ignores errors of Valkey."""

    def add(client: "redis.Redis") -> None:
        with client.pipeline(transaction=False) as pipe:
            pipe.xadd(stream_key(turn_id), {"end": "1"})
            pipe.expire(stream_key(turn_id), KEPT_SECONDS)
            pipe.execute()

    _ignore_valkey_errors(add)


def delete_streams(*turn_ids: UUID) -> None:
    """Delete everything that Valkey has of these turns. Errors of Valkey are ignored; every key expires by itself."""
    keys = [key(turn_id) for turn_id in turn_ids for key in (stream_key, stop_key, reader_key, phase_key)]
    if keys:
        _ignore_valkey_errors(lambda client: client.delete(*keys))


def _ignore_valkey_errors(run: Callable[["redis.Redis"], object]) -> None:
    # The turn does not depend on its stream: readers fall back to the database.
    try:
        run(_client())
    except redis.RedisError:
        return
