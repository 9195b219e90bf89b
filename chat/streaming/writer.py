"""The worker's end of the streams. The text of all streams of an event loop is sent together.

A worker may write two hundred answers at once, at fifty words a second each. One request per word would cost more than
the model, so the text of all streams is gathered for a moment and sent in one round trip.
"""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID
from weakref import WeakKeyDictionary

from chat.streaming.store import (
    KEPT_SECONDS,
    READER_SECONDS,
    ModelPhase,
    phase_key,
    reader_key,
    stop_key,
    stream_key,
)
from kit.lazy import lazy_module
from kit.valkey import create_async_client

if TYPE_CHECKING:
    import redis
    from redis.asyncio.client import Pipeline
else:
    redis = lazy_module("redis")

logger = logging.getLogger(__name__)

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
            pipe.expire(stream_key(self.turn_id), KEPT_SECONDS)
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
    """Sends the text of all writers of one event loop."""

    def __init__(self) -> None:
        self.client = create_async_client()
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
            await self.client.set(phase_key(turn_id), str(phase), ex=KEPT_SECONDS)

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
