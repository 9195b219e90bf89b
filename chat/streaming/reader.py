"""The readers' end of the streams: one shared connection for all streams that this process reads.

A turn is followed as server-sent events, within a limit of open streams per person, until its end. The last entry may
have the ended turn's row as JSON, so that no reader has to ask the database. Only the code that has committed an end
may write it, because readers take it for the truth.
"""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Field
from django.http import StreamingHttpResponse

from accounts.models import Person
from chat.models import Conversation, Turn
from chat.selectors import get_turn
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
from kit.connections import release_connection
from kit.lazy import lazy_module
from kit.rate_limits import RateLimited
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


# --- The ended turn's row ---

# Columns that only workers need. Some may have changed since the worker read the turn.
WORKER_COLUMNS = frozenset({"claim", "claimed_at", "claim_count", "lease_until", "stop_requested_at"})
OWNER_COLUMN = "owner_id"


def dump_ended_turn(turn: Turn, ended_fields: Mapping[str, object]) -> str:
    """Return the row as JSON. `turn` is as its worker claimed it, and `ended_fields` are what its end has changed.

    Returns "" if readers must ask the database instead: a retry may have been replaced, the database chooses a value
    of `ended_fields`, or the guard judged the question during the answer, and its text must not be copied to Valkey.
    """
    is_judged_late = "level" in ended_fields
    has_database_value = any(hasattr(value, "resolve_expression") for value in ended_fields.values())
    if turn.retry_of_id or is_judged_late or has_database_value:
        return ""
    row = {
        column.attname: ended_fields.get(column.attname, getattr(turn, column.attname))
        for column in _list_columns()
        if column.attname not in WORKER_COLUMNS
    }
    # Django's encoder would cut times to milliseconds.
    return json.dumps(row | {OWNER_COLUMN: turn.conversation.owner_id}, default=str, separators=(",", ":"))


def load_ended_turn(row: str) -> Turn:
    """Return the turn of a row, as if it had been read from the database without WORKER_COLUMNS.

    Its conversation has only its id and its owner's id. A turn that has just ended has no report.
    """
    values = json.loads(row)
    columns = [column for column in _list_columns() if column.attname in values]
    turn = Turn.from_db(
        DEFAULT_DB_ALIAS,
        [column.attname for column in columns],
        [column.to_python(values[column.attname]) for column in columns],
    )
    turn.conversation = Conversation.from_db(
        DEFAULT_DB_ALIAS, ["id", OWNER_COLUMN], [turn.conversation_id, values[OWNER_COLUMN]]
    )
    Turn.report.related.set_cached_value(turn, None)
    return turn


def _list_columns() -> "Sequence[Field[Any, Any]]":
    return Turn._meta.concrete_fields  # noqa: SLF001 - Django's documented interface


# --- Following a turn as server-sent events ---

SLOT_RETRY_SECONDS = 5

_open: Counter[int] = Counter()


class TurnReader:
    """Who follows a turn. The row of a person who came with a stream token is read only if the database is needed."""

    def __init__(self, person_id: int, person: Person | None = None) -> None:
        self.person_id = person_id
        self._person = person

    @classmethod
    def from_person(cls, person: Person) -> Self:
        return cls(person.pk, person)

    def get_person(self) -> Person:
        """Return the person. Raises Turn.DoesNotExist if their account is gone."""
        if self._person is None:
            self._person = Person.objects.filter(pk=self.person_id, is_active=True).first()
        if self._person is None:
            raise Turn.DoesNotExist
        return self._person

    def get_turn(self, turn_id: UUID) -> Turn:
        """Return a turn of the person. Raises Turn.DoesNotExist if it is missing or not theirs."""
        return get_turn(self.get_person(), turn_id)


def require_stream_slot(person_id: int) -> None:
    """Raise RateLimited if a person has as many open streams as allowed."""
    if _open[person_id] >= settings.STREAMS_PER_PERSON:
        raise RateLimited(SLOT_RETRY_SECONDS)


async def count_as_open_stream(person_id: int, events: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Yield the events, and count them as an open stream of the person until they end or are closed."""
    _open[person_id] += 1
    try:
        async with aclosing(events):
            async for event in events:
                yield event
    finally:
        _open[person_id] -= 1
        if not _open[person_id]:
            del _open[person_id]


# Without new entries, a keepalive is sent this often.
TICK_SECONDS = 3.0
# Before the first text the turn's row is read at every tick, as it tells what the reader waits for. Later it only tells
# that the stream was lost with its end, which is rare: the row is read at every third tick in a row without an entry.
TICKS_PER_READ = 3
KEEPALIVE = b": still here\n\n"


async def read_database[**P, T](reading: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a database function in a thread and release its connection, as the stream may stay open for minutes."""

    def in_thread() -> T:
        try:
            return reading(*args, **kwargs)
        finally:
            release_connection()

    return await sync_to_async(in_thread, thread_sensitive=False)()


async def follow_turn(reader: TurnReader, turn_id: UUID) -> AsyncGenerator[StreamEntry | Turn | None]:
    """Yield every stream entry of a turn. At a tick without an entry, yield the turn's row, or None if it was not read.

    Ends with the ended turn. Raises StreamUnavailable, or Turn.DoesNotExist if the turn is deleted meanwhile.
    """
    ticks, has_begun = 0, False
    async with aclosing(follow_stream(turn_id, tick_seconds=TICK_SECONDS)) as entries:
        async for entry in entries:
            if entry is not None and not entry.is_end:
                ticks, has_begun = 0, True
                yield entry
                continue
            if entry is None:
                ticks += 1
                if has_begun and ticks % TICKS_PER_READ:
                    yield None
                    continue
            ended = _find_ended_turn(reader, entry)
            turn = await read_database(reader.get_turn, turn_id) if ended is None else ended
            yield turn
            if not turn.is_live:
                return


def _find_ended_turn(reader: TurnReader, entry: StreamEntry | None) -> Turn | None:
    """Return the reader's ended turn if the entry has its row.

    An end without one is only a hint: a worker that lost its claim may have written it.
    """
    if entry is None or not entry.ended_turn:
        return None
    turn = load_ended_turn(entry.ended_turn)
    return turn if turn.conversation.owner_id == reader.person_id else None


def format_event(data: str, *, name: str = "", event_id: str = "") -> bytes:
    head = (f"id: {event_id}\n" if event_id else "") + (f"event: {name}\n" if name else "")
    return (head + "".join(f"data: {line}\n" for line in data.split("\n")) + "\n").encode()


def build_event_response(
    events: AsyncIterator[bytes], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        events,
        status=status,
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"} | dict(headers or {}),
    )
