"""Counts the statements that a question costs the database: to ask, to follow it, and for its worker."""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from html import unescape
from typing import Any
from unittest import mock
from uuid import UUID, uuid4

from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.test import AsyncClient

from accounts.models import Person
from budgets.selectors import get_plan
from chat.answering.leases import CHECKPOINT_SQL
from chat.answering.worker import TurnWorker
from chat.models import Turn, TurnState
from chat.streaming import reader
from kit import timed_cache
from tests.live import PATIENCE, wait_until

WORKER_THREADS = "worker", "writes"


@dataclass
class Statements:
    """The statements of one turn, by who sent them, without BEGIN, COMMIT and the worker's checkpoints."""

    asking: list[str] = field(default_factory=list)
    following: list[str] = field(default_factory=list)
    worker: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many there are. A checkpoint counts once, however long the answer took."""
        return {name: len(sent) - max(0, sent.count(CHECKPOINT_SQL) - 1) for name, sent in vars(self).items()}


@contextmanager
def recorded_statements(note: Callable[[str], None]) -> Iterator[None]:
    """Call `note` with every statement of every thread in the block."""
    execute, execute_many = CursorWrapper.execute, CursorWrapper.executemany

    def noted_execute(self: CursorWrapper, sql: Any, params: Any = None) -> Any:
        note(str(sql))
        return execute(self, sql, params)

    def noted_execute_many(self: CursorWrapper, sql: Any, param_list: Any) -> Any:
        note(str(sql))
        return execute_many(self, sql, param_list)

    with (
        mock.patch.object(CursorWrapper, "execute", noted_execute),
        mock.patch.object(CursorWrapper, "executemany", noted_execute_many),
    ):
        yield


class Way(StrEnum):
    """How a question is asked and its answer followed."""

    ONE_REQUEST = "a program's request that answers with the stream"
    TWO_REQUESTS = "a program's request, and another one for its events"
    PAGE = "a form, its page, and the page's stream with a token"


def count_statements(person: Person, question: str, way: Way = Way.ONE_REQUEST) -> Statements:
    """Ask a question, follow it and write its answer in this process, and return the statements of each.

    For a test with real transactions. A first question fills the caches of the process, which do not expire before
    the second one ends: what a process reads every few seconds for everyone is not a question's own.
    """
    client = AsyncClient()
    client.force_login(person)
    with mock.patch.object(timed_cache, "time", _StoppedClock(time.monotonic())):
        async_to_sync(_ask_and_answer)(client, question, way)
        # The first question made the plans, which are kept once they are read.
        get_plan(person)
        return async_to_sync(_ask_and_answer)(client, question, way)


@dataclass(frozen=True)
class _StoppedClock:
    now: float

    def monotonic(self) -> float:
        return self.now


async def _ask_and_answer(client: AsyncClient, question: str, way: Way) -> Statements:
    statements, turn_id = Statements(), uuid4()
    with recorded_statements(statements.asking.append):
        reply = await _ask(client, question, turn_id, way)

    def note(sql: str) -> None:
        # One for each second of writing, however long that takes.
        if sql == CHECKPOINT_SQL:
            return
        is_worker = threading.current_thread().name.startswith(WORKER_THREADS)
        (statements.worker if is_worker else statements.following).append(sql)

    # A model that is slow on a busy machine would add a statement for every tick before its first word.
    with recorded_statements(note), mock.patch.object(reader, "TICK_SECONDS", PATIENCE):
        if way is Way.TWO_REQUESTS:
            reply = await client.get(f"/api/v1/turns/{turn_id}/events")
        elif way is Way.PAGE:
            address = re.search(r'data-stream="([^"]+)"', reply.content.decode())
            assert address, reply.content
            reply = await client.get(unescape(address[1]))
        await _read_while_written(reply)
    await close_hub(reader._get_hub())
    turn = await Turn.objects.aget(pk=turn_id)
    assert turn.state == TurnState.ANSWERED, turn.end_reason
    return statements


async def close_hub(hub: reader.StreamHub) -> None:
    """Close the connections of a loop that ends: they cannot be closed when they are collected."""
    hub.cursors.clear()
    if hub.task:
        await hub.task
    await hub.shared.aclose()
    await hub.blocking.aclose()


async def _ask(client: AsyncClient, question: str, turn_id: UUID, way: Way) -> Any:
    if way is Way.PAGE:
        form = {"question": question, "turn_id": str(turn_id)}
        return await client.post("/tutor/ask", form, follow=True)
    headers = {"Idempotency-Key": str(turn_id)}
    if way is Way.ONE_REQUEST:
        headers["Accept"] = "text/event-stream"
    body = {"question": question}
    reply = await client.post("/api/v1/turns", body, content_type="application/json", headers=headers)
    assert reply.status_code == 201, reply.content
    return reply


async def _read_while_written(reply: Any) -> None:
    async def read() -> None:
        async for _event in reply:
            pass

    reading = asyncio.create_task(read())
    await sync_to_async(_write, thread_sensitive=False)()
    await reading


def _write() -> None:
    worker = TurnWorker(max_answers=1)

    def claim() -> None:
        try:
            worker.claim_next()
        finally:
            connection.close()

    thread = threading.Thread(target=claim, name="writes")
    thread.start()
    thread.join()
    wait_until(lambda: not worker.answers, what="the answer")
    worker.is_closing = True
