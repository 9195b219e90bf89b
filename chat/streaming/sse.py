"""Follows a turn for one reader as server-sent events, within a limit of open streams per person."""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import StreamingHttpResponse

from accounts.models import Person
from chat import streaming
from chat.models import Turn
from chat.selectors import get_turn
from kit.connections import release_connection
from kit.rate_limits import RateLimited

RETRY_SECONDS = 5

_open: Counter[Any] = Counter()


def require_stream_slot(person: Person) -> None:
    """Raise RateLimited if a person has as many open streams as allowed."""
    if _open[person.pk] >= settings.STREAMS_PER_PERSON:
        raise RateLimited(RETRY_SECONDS)


async def count_open(person: Person, events: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Yield the events, and count them as an open stream of the person until they end or are closed."""
    _open[person.pk] += 1
    try:
        async with aclosing(events):
            async for format_event in events:
                yield format_event
    finally:
        _open[person.pk] -= 1
        if not _open[person.pk]:
            del _open[person.pk]


# Without new entries, a keepalive is sent and the turn's row is read this often.
TICK_SECONDS = 3.0
KEEPALIVE = b": still here\n\n"


async def read_database[**P, T](reading: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a database function in a thread and release its connection, as the stream may stay open for minutes."""

    def in_thread() -> T:
        try:
            return reading(*args, **kwargs)
        finally:
            release_connection()

    return await sync_to_async(in_thread, thread_sensitive=False)()


async def follow_turn(person: Person, turn_id: UUID) -> AsyncGenerator[streaming.StreamEntry | Turn]:
    """Yield every stream entry of a live turn, and the turn's row at every tick without an entry.

    Ends when the row says that the turn has ended. Raises streaming.StreamUnavailable, or Turn.DoesNotExist if the turn
    is deleted meanwhile.
    """
    async with aclosing(streaming.follow_stream(turn_id, tick_seconds=TICK_SECONDS)) as entries:
        async for entry in entries:
            if entry is not None and not entry.is_end:
                yield entry
                continue
            # An end on the stream is only a hint: a worker that lost its claim may have written it.
            now = await read_database(get_turn, person, turn_id)
            if not now.is_live:
                return
            yield now


def format_event(data: str, *, name: str = "", event_id: str = "") -> bytes:
    head = (f"id: {event_id}\n" if event_id else "") + (f"event: {name}\n" if name else "")
    return (head + "".join(f"data: {line}\n" for line in data.split("\n")) + "\n").encode()


def build_event_response(events: AsyncIterator[bytes]) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        events,
        content_type="text/event-stream",
        headers={"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"},
    )
