"""StreamHub reads all streams of a process, on a real Valkey."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis

from chat.answering.worker import MAX_ANSWER_SECONDS
from chat.streaming import reader, valkey_stream
from chat.streaming.reader import StreamHub
from chat.streaming.valkey_stream import (
    READER_SECONDS,
    RENEWALS_PER_LEASE,
    StreamEntry,
    reader_key,
    stream_key,
)
from tests.statements import close_hub


async def subscribe_and_wait(hub: StreamHub, turn_id: UUID) -> None:
    hub.subscribe(turn_id)
    # The read has begun, and the reader is recorded.
    await asyncio.sleep(0.2)


def test_a_reader_stays_counted_however_many_others_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader, "READER_SECONDS", 1)

    async def rush() -> bool:
        hub, first = StreamHub(), uuid4()
        await subscribe_and_wait(hub, first)
        for _ in range(16):
            hub.subscribe(uuid4())
            await asyncio.sleep(0.1)
        counts = bool(valkey_stream._client().exists(reader_key(first)))
        await close_hub(hub)
        return counts

    assert asyncio.run(rush())


def test_a_page_that_is_hidden_has_minutes_before_its_answer_is_stopped() -> None:
    async def read_and_leave() -> int:
        hub, turn_id = StreamHub(), uuid4()
        await subscribe_and_wait(hub, turn_id)
        await close_hub(hub)
        return int(valkey_stream._client().ttl(reader_key(turn_id)))

    assert asyncio.run(read_and_leave()) > 200
    # It is renewed long before it expires, so a page that is hidden just before still has most of the time.
    assert READER_SECONDS - READER_SECONDS / RENEWALS_PER_LEASE >= 180


def test_an_answer_without_a_reader_is_stopped_before_it_counts_as_a_model_that_went_quiet() -> None:
    assert READER_SECONDS < MAX_ANSWER_SECONDS


def list_texts(queue: "asyncio.Queue[StreamEntry | None]") -> list[str]:
    seen = []
    while not queue.empty():
        entry = queue.get_nowait()
        assert entry
        seen.append(entry.text)
    return seen


def test_a_second_reader_gets_every_entry_in_order_while_more_are_written() -> None:
    async def join() -> tuple[list[str], list[str]]:
        hub, turn_id = StreamHub(), uuid4()
        hub.subscribe(turn_id)
        late: list[asyncio.Queue[StreamEntry | None]] = []
        written = []
        for number in range(40):
            await hub.shared.xadd(stream_key(turn_id), {"at": number, "text": str(number)})
            written.append(str(number))
            late.append(hub.subscribe(turn_id))
        await asyncio.sleep(0.3)
        late_texts = list_texts(late[20])
        await hub.shared.delete(stream_key(turn_id))
        await close_hub(hub)
        return written, late_texts

    written, late_texts = asyncio.run(join())
    # `follow` skips entries that were read again: an entry may come twice, but never before an earlier one.
    firsts = list(dict.fromkeys(late_texts))
    assert firsts == written


def test_a_read_that_fails_once_is_retried_and_no_reader_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail_once() -> list[str]:
        hub, turn_id = StreamHub(), uuid4()
        xread = hub.blocking.xread
        faults = [redis.TimeoutError("Timeout reading from socket")]

        async def late(*args: Any, **kwargs: Any) -> Any:
            if faults:
                raise faults.pop()
            return await xread(*args, **kwargs)

        monkeypatch.setattr(hub.blocking, "xread", late)
        queue = hub.subscribe(turn_id)
        await hub.shared.xadd(stream_key(turn_id), {"at": 0, "text": "Rain"})
        await asyncio.sleep(0.6)
        seen = list_texts(queue)
        await hub.shared.delete(stream_key(turn_id))
        await close_hub(hub)
        return seen

    assert asyncio.run(fail_once()) == ["Rain"]


@pytest.mark.parametrize("fault", [redis.ConnectionError("gone"), RuntimeError("a fault of our own")])
def test_readers_are_notified_however_the_read_ends(
    fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PATIENCE_SECONDS", 0.3)

    async def fail() -> tuple[StreamEntry | None, set[str]]:
        hub = StreamHub()

        async def fails(*_args: Any, **_kwargs: Any) -> Any:
            raise fault

        monkeypatch.setattr(hub.blocking, "xread", fails)
        queue = hub.subscribe(uuid4())
        entry = await asyncio.wait_for(queue.get(), 5)
        assert hub.task
        await asyncio.wait({hub.task})
        hub.task.exception()
        left = set(hub.queues)
        hub.task = None
        await close_hub(hub)
        return entry, left

    assert asyncio.run(fail()) == (None, set())
