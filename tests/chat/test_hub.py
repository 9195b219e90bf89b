"""One process's end of all the streams that it reads, on a real Valkey."""

import asyncio
from uuid import UUID, uuid4

import pytest
import redis

from chat.desk import LONGEST_SECONDS
from chat.stream import reader, store
from chat.stream.entries import READER_SECONDS, RENEWALS, reader_key
from chat.stream.reader import Hub


async def subscribed(hub: Hub, turn_id: UUID) -> None:
    await hub.subscribe(turn_id)
    # The read has begun, and it was said that somebody reads.
    await asyncio.sleep(0.2)


async def ended(hub: Hub) -> None:
    hub.cursors.clear()
    if hub.task:
        await hub.task
    await hub.shared.aclose()
    await hub.blocking.aclose()


def test_whoever_reads_on_counts_as_a_reader_however_many_others_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader, "READER_SECONDS", 1)

    async def rush() -> bool:
        hub, first = Hub(), uuid4()
        await subscribed(hub, first)
        for _ in range(16):
            await hub.subscribe(uuid4())
            await asyncio.sleep(0.1)
        counts = bool(store._client().exists(reader_key(first)))
        await ended(hub)
        return counts

    assert asyncio.run(rush())


def test_a_page_that_is_hidden_has_minutes_before_its_answer_is_stopped() -> None:
    async def read_and_leave() -> int:
        hub, turn_id = Hub(), uuid4()
        await subscribed(hub, turn_id)
        await ended(hub)
        return int(store._client().ttl(reader_key(turn_id)))

    assert asyncio.run(read_and_leave()) > 200
    # It is renewed long before it runs out, so a page that is hidden just before has nearly as long.
    assert READER_SECONDS - READER_SECONDS / RENEWALS >= 180


def test_an_answer_without_a_reader_is_stopped_before_it_counts_as_a_model_that_went_quiet() -> None:
    assert READER_SECONDS < LONGEST_SECONDS


def test_a_reader_who_goes_away_while_catching_up_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    async def leave() -> set[str]:
        hub, turn_id = Hub(), uuid4()
        queue = await hub.subscribe(turn_id)

        async def hangs(_key: str) -> None:
            await asyncio.sleep(60)

        monkeypatch.setattr(hub.shared, "xrange", hangs)
        second = asyncio.create_task(hub.subscribe(turn_id))
        await asyncio.sleep(0.1)
        second.cancel()
        await asyncio.wait({second})
        hub.unsubscribe(turn_id, queue)
        left = set(hub.queues) | set(hub.cursors)
        await ended(hub)
        return left

    assert asyncio.run(leave()) == set()


def test_a_reader_who_cannot_catch_up_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> set[str]:
        hub, turn_id = Hub(), uuid4()
        queue = await hub.subscribe(turn_id)

        async def is_away(_key: str) -> None:
            raise redis.ConnectionError

        monkeypatch.setattr(hub.shared, "xrange", is_away)
        with pytest.raises(redis.ConnectionError):
            await hub.subscribe(turn_id)
        hub.unsubscribe(turn_id, queue)
        left = set(hub.queues)
        await ended(hub)
        return left

    assert asyncio.run(fail()) == set()
