"""The readers' end of the streams: one shared connection for all streams that this process reads."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID
from weakref import WeakKeyDictionary

from chat.streaming.valkey_stream import (
    BEGINNING,
    READER_SECONDS,
    RENEWALS_PER_LEASE,
    StreamEntry,
    parse_entry_id,
    parse_turn_id,
    reader_key,
    stream_key,
)
from kit.lazy import lazy_module
from kit.valkey import create_async_client

if TYPE_CHECKING:
    import redis
else:
    redis = lazy_module("redis")

logger = logging.getLogger(__name__)

# Short, because a stream that is added just as a read begins to block waits for the next read.
BLOCK_MILLISECONDS = 500
# After a read the hub waits for entries to gather, so that many streams cost one round trip.
GATHER_SECONDS = 0.01
# A failed read is retried for this long before readers are told: one late reply on a busy machine must not end every
# stream of the process.
PATIENCE_SECONDS = 2.0
RETRY_SECONDS = 0.2


class StreamUnavailable(Exception):
    """Valkey cannot be read. The turn itself is safe: the reader should come back."""


class StreamHub:
    """Reads every followed stream of one event loop over a single blocking connection.

    Its own commands (renew reader keys, wake the read for a new stream) are gathered as well: two hundred pages that
    open at once must not open two hundred connections.
    """

    def __init__(self) -> None:
        self.shared = create_async_client(connect_seconds=2)
        # redis-py gives up on a silent socket after 5 s by default; a blocking read is silent on purpose.
        self.blocking = create_async_client(
            seconds=BLOCK_MILLISECONDS / 1000 + 3, connect_seconds=2, single_connection=True
        )
        self.queues: dict[str, set[asyncio.Queue[StreamEntry | None]]] = {}
        self.cursors: dict[str, str] = {}
        self.unnoted: set[str] = set()
        self.news = asyncio.Event()
        self.blocked_id: int | None = None
        self.task: asyncio.Task[None] | None = None

    def subscribe(self, turn_id: UUID) -> "asyncio.Queue[StreamEntry | None]":
        """Return a queue that gets every entry of the turn's stream from its start, and None if it cannot be read.

        A stream that is being read is read again from its start, together with all others. Its other readers get those
        entries twice and must skip known ones.
        """
        queue: asyncio.Queue[StreamEntry | None] = asyncio.Queue()
        key = stream_key(turn_id)
        self.queues.setdefault(key, set()).add(queue)
        self.cursors[key] = BEGINNING
        self.unnoted.add(reader_key(turn_id))
        self.news.set()
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._run())
        return queue

    def unsubscribe(self, turn_id: UUID, queue: "asyncio.Queue[StreamEntry | None]") -> None:
        key = stream_key(turn_id)
        readers = self.queues.get(key, set())
        readers.discard(queue)
        if not readers:
            self.queues.pop(key, None)
            self.cursors.pop(key, None)

    async def _run(self) -> None:
        renewing = asyncio.create_task(self._renew_and_wake())
        try:
            await self._read()
        except redis.RedisError as error:
            logger.warning("Valkey cannot be read: %s", error)
        finally:
            self.blocked_id = None
            renewing.cancel()
            # No reader may keep waiting for this read, even if it failed.
            for queues in self.queues.values():
                for queue in queues:
                    queue.put_nowait(None)
            self.queues.clear()
            self.cursors.clear()

    async def _read(self) -> None:
        failing_since: float | None = None
        while self.cursors:
            asked_from = dict(self.cursors)
            try:
                reply = await self._reply(asked_from)
            except redis.RedisError:
                # The next connection will have a different id.
                self.blocked_id = None
                now = asyncio.get_running_loop().time()
                failing_since = failing_since or now
                if now - failing_since > PATIENCE_SECONDS:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
                continue
            failing_since = None
            self._deliver(reply, asked_from)
            await asyncio.sleep(GATHER_SECONDS)

    async def _reply(self, cursors: dict[str, str]) -> Any:
        if self.blocked_id is None:
            self.blocked_id = await self.blocking.client_id()
        streams: Any = cursors
        return await self.blocking.xread(streams, block=BLOCK_MILLISECONDS)

    def _deliver(self, reply: Any, asked_from: Mapping[str, str]) -> None:
        for key, entries in reply:
            # A reader joined or left during the read. For a new reader the next read starts over.
            if self.cursors.get(key) != asked_from[key]:
                continue
            for entry_id, fields in entries:
                self.cursors[key] = entry_id
                for queue in self.queues[key]:
                    queue.put_nowait(StreamEntry.read(entry_id, fields))

    async def _renew_and_wake(self) -> None:
        """Renew the reader keys regularly, and wake the blocking read whenever a stream is added."""
        loop = asyncio.get_running_loop()
        all_at = loop.time() + READER_SECONDS / RENEWALS_PER_LEASE
        while True:
            # Keys are renewed on time even if new streams keep arriving.
            with suppress(TimeoutError):
                await asyncio.wait_for(self.news.wait(), max(0.0, all_at - loop.time()))
            if loop.time() >= all_at:
                all_at = loop.time() + READER_SECONDS / RENEWALS_PER_LEASE
                self.unnoted = {reader_key(parse_turn_id(key)) for key in self.cursors}
            self.news.clear()
            noted, self.unnoted = self.unnoted, set()
            # If Valkey is unavailable, the read notices and tells the readers.
            with suppress(redis.RedisError):
                async with self.shared.pipeline(transaction=False) as pipe:
                    for key in noted:
                        pipe.set(key, "1", ex=READER_SECONDS)
                    if self.blocked_id is not None:
                        pipe.client_unblock(self.blocked_id)
                    await pipe.execute()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, StreamHub] = WeakKeyDictionary()


def _get_hub() -> StreamHub:
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = StreamHub()
    return _hubs[loop]


async def follow_stream(turn_id: UUID, *, tick_seconds: float) -> AsyncGenerator[StreamEntry | None]:
    """Yield every entry of a turn's stream from its start, each once and in order.

    Yields None after every `tick_seconds` without an entry. While it is followed the turn counts as read. An entry with
    `is_end` is yielded like any other: the caller decides whether the turn has ended. Raises StreamUnavailable if
    Valkey cannot be read.
    """
    hub, last = _get_hub(), (0, 0)
    queue = hub.subscribe(turn_id)
    try:
        while True:
            try:
                entry = await asyncio.wait_for(queue.get(), tick_seconds)
            except TimeoutError:
                yield None
                continue
            if entry is None:
                raise StreamUnavailable
            if (order := parse_entry_id(entry.id)) <= last:
                continue
            last = order
            yield entry
    finally:
        hub.unsubscribe(turn_id, queue)
