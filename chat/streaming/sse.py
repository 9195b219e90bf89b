"""Follows a turn for one reader as server-sent events, within a limit of open streams per person."""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import Self
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import StreamingHttpResponse

from accounts.models import Person
from chat import streaming
from chat.models import Turn
from chat.selectors import get_turn
from chat.streaming.ended_turn import load_ended_turn
from kit.connections import release_connection
from kit.rate_limits import RateLimited

RETRY_SECONDS = 5

_open: Counter[int] = Counter()


class TurnReader:
    """Who follows a turn. The row of a person who came with a stream token is read only if the database is needed."""

    def __init__(self, person_id: int, person: Person | None = None) -> None:
        self.person_id = person_id
        self._person = person

    @classmethod
    def of(cls, person: Person) -> Self:
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
        raise RateLimited(RETRY_SECONDS)


async def count_open(person_id: int, events: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Yield the events, and count them as an open stream of the person until they end or are closed."""
    _open[person_id] += 1
    try:
        async with aclosing(events):
            async for format_event in events:
                yield format_event
    finally:
        _open[person_id] -= 1
        if not _open[person_id]:
            del _open[person_id]


# Without new entries, a keepalive is sent this often.
TICK_SECONDS = 3.0
# Before the first text the turn's row is read at every tick, as it tells what the reader waits for. Later it only tells
# that the stream was lost with its end, which is rare: the row is read at every third tick in a row without an entry.
TICKS_A_READ = 3
KEEPALIVE = b": still here\n\n"


async def read_database[**P, T](reading: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a database function in a thread and release its connection, as the stream may stay open for minutes."""

    def in_thread() -> T:
        try:
            return reading(*args, **kwargs)
        finally:
            release_connection()

    return await sync_to_async(in_thread, thread_sensitive=False)()


async def follow_turn(
    reader: TurnReader, turn_id: UUID
) -> AsyncGenerator[streaming.StreamEntry | Turn | None]:
    """Yield every stream entry of a turn. At a tick without an entry, yield the turn's row, or None if it was not read.

    Ends with the ended turn. Raises streaming.StreamUnavailable, or Turn.DoesNotExist if the turn is deleted meanwhile.
    """
    ticks, has_begun = 0, False
    async with aclosing(streaming.follow_stream(turn_id, tick_seconds=TICK_SECONDS)) as entries:
        async for entry in entries:
            if entry is not None and not entry.is_end:
                ticks, has_begun = 0, True
                yield entry
                continue
            if entry is None:
                ticks += 1
                if has_begun and ticks % TICKS_A_READ:
                    yield None
                    continue
            ended = _find_ended_turn(reader, entry)
            turn = await read_database(reader.get_turn, turn_id) if ended is None else ended
            yield turn
            if not turn.is_live:
                return


def _find_ended_turn(reader: TurnReader, entry: streaming.StreamEntry | None) -> Turn | None:
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
