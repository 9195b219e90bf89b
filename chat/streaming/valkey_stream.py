"""The stream of a turn in Valkey: its keys and entries, what reads them once, and the worker that writes them.

reader.py follows the streams of many turns.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID
from weakref import WeakKeyDictionary

from kit import valkey
from kit.lazy import lazy_module
from kit.texts import parse_whole_number

if TYPE_CHECKING:
    import redis
    from redis.asyncio.client import Pipeline
else:
    redis = lazy_module("redis")

logger = logging.getLogger(__name__)

STREAM_SECONDS = 15 * 60
# How long readers of a deleted turn have to notice.
DELETED_SECONDS = 10
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

    A withdrawal takes back all earlier text, and has what stays of it. An end may have the turn's row (reader.py).
    """

    id: str
    at: int
    text: str
    tokens: int
    is_end: bool
    # How many characters at the end of the answer so far wait for the verdict on their sentence.
    unjudged_length: int = 0
    is_withdrawal: bool = False
    ended_turn: str = ""

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
            ended_turn=fields.get("turn", ""),
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
    numbers = parse_whole_number(time, below=2**64), parse_whole_number(sequence or "0", below=2**64)
    return (0, 0) if numbers[0] is None or numbers[1] is None else (numbers[0], numbers[1])


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
    _ignore_valkey_errors(lambda client: client.set(stop_key(turn_id), "1", ex=STREAM_SECONDS))


def get_phase(turn_id: UUID) -> ModelPhase | None:
    """Return what the model does before its first word, or None if unknown."""
    try:
        phase: Any = _client().get(phase_key(turn_id))
    except redis.RedisError:
        return None
    return ModelPhase(phase) if phase else None


def end_stream(turn_id: UUID, ended_turn: str = "") -> None:
    """Tell readers that the turn has ended and the database has its whole answer. Ignores errors of Valkey.

    With `ended_turn`, the committed row (reader.py), readers do not ask the database.
    """
    end: Any = {"end": "1"} | ({"turn": ended_turn} if ended_turn else {})

    def add(client: "redis.Redis") -> None:
        with client.pipeline(transaction=False) as pipe:
            pipe.xadd(stream_key(turn_id), end)
            pipe.expire(stream_key(turn_id), STREAM_SECONDS)
            pipe.execute()

    _ignore_valkey_errors(add)


def delete_streams(*turn_ids: UUID) -> None:
    """Delete what Valkey has of these turns, and send their readers to the database, which has them no more.

    Errors of Valkey are ignored; every key expires by itself.
    """
    if not turn_ids:
        return

    def delete(client: "redis.Redis") -> None:
        with client.pipeline(transaction=False) as pipe:
            pipe.delete(*(key(turn_id) for turn_id in turn_ids for key in (stop_key, reader_key, phase_key)))
            for turn_id in turn_ids:
                # An end without a row takes the place of all entries, if there are any.
                pipe.xadd(stream_key(turn_id), {"end": "1"}, maxlen=1, approximate=False, nomkstream=True)
                pipe.expire(stream_key(turn_id), DELETED_SECONDS)
            pipe.execute()

    _ignore_valkey_errors(delete)


def _ignore_valkey_errors(run: Callable[["redis.Redis"], object]) -> None:
    # The turn does not depend on its stream: readers fall back to the database.
    try:
        run(_client())
    except redis.RedisError:
        return


# --- The worker's end ---

# The first words of an answer are sent immediately. Later ones are gathered for this long, too short to notice.
GATHER_SECONDS = 0.05
# How often a writer checks whether to stop, and whether the turn still has readers.
SIGNALS_SECONDS = 0.2
# How long to wait before the next attempt while Valkey is unavailable.
RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class ReaderSignals:
    """Whether the asker pressed Stop, and whether anyone reads the turn's stream."""

    is_stop_requested: bool = False
    has_readers: bool = True


class StreamWriter:
    """Writes the text of one turn. While Valkey is unavailable it keeps the text, then begins again at character 0.

    Leaving the context waits until all text has been sent, or one attempt to send the last of it has failed.
    """

    def __init__(self, turn_id: UUID) -> None:
        self.turn_id = turn_id
        self.text = ""
        self.tokens = 0
        # How many characters at the end of the text wait for the verdict on their sentence.
        self.unjudged_length = 0
        self.is_withdrawn = False
        self.signals = ReaderSignals()
        self.sent_length = 0
        self.is_offline = False
        self.signals_checked_at = 0.0
        # How many times the text began again. A reply to an earlier beginning says nothing about the current text.
        self.beginnings = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await _get_flusher().finish(self)

    def add(self, text: str, tokens: int, *, unjudged_length: int = 0) -> None:
        if text:
            self.text += text
            self.tokens = tokens
            self.unjudged_length = unjudged_length
            _get_flusher().enqueue(self)

    def send_phase(self, phase: ModelPhase) -> None:
        """Tell readers what the model does before its first word."""
        _get_flusher().send_phase(self.turn_id, phase)

    def begin_again(self) -> None:
        """Discard the text so far, also for readers."""
        self._replace_text("")

    def withdraw(self, length: int) -> None:
        """Take back the text after `length` characters from every reader, at once and also from the stream itself."""
        self.is_withdrawn = True
        self._replace_text(self.text[:length])

    def _replace_text(self, text: str) -> None:
        self.text, self.sent_length, self.unjudged_length = text, 0, 0
        self.beginnings += 1
        _get_flusher().enqueue(self)

    @property
    def has_begun(self) -> bool:
        return self.sent_length > 0

    def add_commands(self, pipe: "Pipeline", now: float) -> int:
        """Add the commands for unsent text to `pipe`. Returns how many replies come before those for the signals."""
        starts_stream = self.is_offline or not self.has_begun
        at = 0 if self.is_offline else self.sent_length
        entry: Any = {"at": at, "text": self.text[at:], "n": self.tokens}
        if self.unjudged_length:
            entry["unjudged"] = self.unjudged_length
        if self.is_withdrawn:
            entry["withdrawn"] = 1
        if starts_stream:
            # The asker counts as a reader at first, and a Valkey that came back empty has lost all reader keys.
            pipe.set(reader_key(self.turn_id), "1", ex=READER_SECONDS)
        # A withdrawal replaces all entries: what was withdrawn must not stay in Valkey either.
        pipe.xadd(stream_key(self.turn_id), entry, maxlen=1 if self.is_withdrawn else None, approximate=False)
        if starts_stream:
            pipe.expire(stream_key(self.turn_id), STREAM_SECONDS)
        if now - self.signals_checked_at >= SIGNALS_SECONDS:
            self.signals_checked_at = now
            pipe.exists(stop_key(self.turn_id))
            pipe.exists(reader_key(self.turn_id))
        return 3 if starts_stream else 1

    def apply_replies(self, replies: list[Any], sent_length: int, beginnings: int) -> None:
        """Record that `sent_length` characters have been sent, and read the signals, if any."""
        self.is_offline = False
        if beginnings == self.beginnings:
            self.sent_length = sent_length
        if replies:
            stop, readers = replies
            self.signals = ReaderSignals(is_stop_requested=bool(stop), has_readers=bool(readers))

    def mark_offline(self) -> None:
        if not self.is_offline:
            logger.warning("Valkey is unavailable: turn %s continues, its text is kept.", self.turn_id)
        self.is_offline = True


class StreamFlusher:
    """Sends the text of all writers of one event loop together.

    A worker may write two hundred answers at once, at fifty words a second each. One request per word would cost more
    than the model, so the text of all streams is gathered for a moment and sent in one round trip.
    """

    def __init__(self) -> None:
        self.client = valkey.create_async_client()
        self.waiting: set[StreamWriter] = set()
        self.sending = asyncio.Lock()
        self.timer: asyncio.TimerHandle | None = None
        self.tasks: set[asyncio.Task[None]] = set()

    def enqueue(self, writer: StreamWriter) -> None:
        """Send a writer's new text with the next flush. The first text of an answer is sent at once."""
        self.waiting.add(writer)
        if not writer.has_begun and not writer.is_offline:
            self._start([writer])
        elif self.timer is None:
            self._schedule(GATHER_SECONDS)

    def send_phase(self, turn_id: UUID, phase: ModelPhase) -> None:
        """Store what the model is doing for the readers, without waiting for Valkey."""
        task = asyncio.create_task(self._set_phase(turn_id, phase))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _set_phase(self, turn_id: UUID, phase: ModelPhase) -> None:
        # Without it pages show a more general text.
        with suppress(redis.RedisError):
            await self.client.set(phase_key(turn_id), str(phase), ex=STREAM_SECONDS)

    def _schedule(self, seconds: float) -> None:
        self.timer = asyncio.get_running_loop().call_later(seconds, self._flush)

    def _flush(self) -> None:
        self.timer = None
        self._start(list(self.waiting))

    def _start(self, writers: list[StreamWriter]) -> None:
        task = asyncio.create_task(self._send(writers))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def finish(self, writer: StreamWriter) -> None:
        """Send a writer's last text now, and wait for it and for text that is being sent. Tries once."""
        await self._send([writer])
        self.waiting.discard(writer)

    async def _send(self, writers: Iterable[StreamWriter]) -> None:
        async with self.sending:
            # Another round trip may have sent some of them already.
            batch = [writer for writer in writers if writer in self.waiting]
            if not batch:
                return
            self.waiting.difference_update(batch)
            try:
                await self._round_trip(batch)
            except redis.RedisError:
                for writer in batch:
                    writer.mark_offline()
                self.waiting.update(batch)
                if self.timer is None:
                    self._schedule(RETRY_SECONDS)

    async def _round_trip(self, batch: list[StreamWriter]) -> None:
        now = asyncio.get_running_loop().time()
        async with self.client.pipeline(transaction=False) as pipe:
            # Text that arrives meanwhile waits for the next round trip.
            requests = [
                (writer, writer.add_commands(pipe, now), (len(writer.text), writer.beginnings), len(pipe))
                for writer in batch
            ]
            replies = await pipe.execute()
        begin = 0
        for writer, text_replies, sent, end in requests:
            writer.apply_replies(replies[begin + text_replies : end], *sent)
            begin = end


_flushers: WeakKeyDictionary[asyncio.AbstractEventLoop, StreamFlusher] = WeakKeyDictionary()


def _get_flusher() -> StreamFlusher:
    loop = asyncio.get_running_loop()
    if loop not in _flushers:
        _flushers[loop] = StreamFlusher()
    return _flushers[loop]
