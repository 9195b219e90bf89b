"""Counts the statements that a question costs the database: to ask, to follow it, and for its worker."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock
from uuid import UUID, uuid4

from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.test import AsyncClient, Client

from accounts.models import Person
from chat.answering.leases import CHECKPOINT_SQL
from chat.answering.worker import TurnWorker
from chat.models import Turn, TurnState
from tests.live import wait_until

WORKER_THREADS = "worker", "writes"


@dataclass
class Statements:
    """The statements of one turn, by who sent them, without BEGIN, COMMIT and the worker's checkpoints."""

    asking: list[str] = field(default_factory=list)
    following: list[str] = field(default_factory=list)
    worker: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        return {name: len(sent) for name, sent in vars(self).items()}


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


def count_statements(person: Person, question: str) -> Statements:
    """Ask a question, follow it and write its answer in this process, and return the statements of each.

    For a test with real transactions. A first question fills the caches of the process.
    """
    client = Client()
    client.force_login(person)
    _ask_and_answer(client, question)
    return _ask_and_answer(client, question)


def _ask_and_answer(client: Client, question: str) -> Statements:
    statements = Statements()
    with recorded_statements(statements.asking.append):
        headers = {"Idempotency-Key": str(uuid4())}
        reply = client.post(
            "/api/v1/turns", {"question": question}, content_type="application/json", headers=headers
        )
    assert reply.status_code == 201, reply.content
    turn_id = UUID(reply.json()["id"])

    def note(sql: str) -> None:
        # One for each second of writing, however long that takes.
        if sql == CHECKPOINT_SQL:
            return
        is_worker = threading.current_thread().name.startswith(WORKER_THREADS)
        (statements.worker if is_worker else statements.following).append(sql)

    with recorded_statements(note):
        async_to_sync(_follow_while_written)(client, turn_id)
    assert Turn.objects.get(pk=turn_id).state == TurnState.ANSWERED
    return statements


async def _follow_while_written(client: Client, turn_id: UUID) -> None:
    follower = AsyncClient()
    follower.cookies = client.cookies
    reply = await follower.get(f"/api/v1/turns/{turn_id}/events")

    async def follow() -> None:
        async for _event in reply:  # type: ignore[attr-defined]
            pass

    following = asyncio.create_task(follow())
    await sync_to_async(_write, thread_sensitive=False)()
    await following


def _write() -> None:
    worker = TurnWorker(places=1)

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
