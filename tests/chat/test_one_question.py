"""A question visits few modules, so that a newcomer can follow it."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import CodeType
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection
from django.test import AsyncClient, Client
from django.urls import get_resolver

import chat
from accounts.models import Person
from chat.models import Turn, TurnState
from chat.streaming import reader
from tests.chat.conftest import written
from tests.statements import close_hub

ROOM = Path(chat.__file__).parent
# The way of a question itself takes 24. Help with homework decides about each question as well (ADR 68).
MAX_MODULES = 28


@contextmanager
def modules_visited() -> Iterator[set[str]]:
    """Collect the names of chat's modules whose functions are called inside the block."""
    visited: set[str] = set()
    monitor, events = sys.monitoring, sys.monitoring.events

    def note(code: CodeType, _offset: int) -> object:
        path = Path(code.co_filename)
        if path.is_relative_to(ROOM) and code.co_name != "<module>":
            visited.add(".".join(path.relative_to(ROOM).with_suffix("").parts))
        return monitor.DISABLE

    monitor.use_tool_id(monitor.PROFILER_ID, "modules visited")
    try:
        monitor.register_callback(monitor.PROFILER_ID, events.PY_START, note)
        monitor.set_events(monitor.PROFILER_ID, events.PY_START)
        yield visited
    finally:
        monitor.set_events(monitor.PROFILER_ID, 0)
        monitor.register_callback(monitor.PROFILER_ID, events.PY_START, None)
        monitor.free_tool_id(monitor.PROFILER_ID)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("library", "unnudged")
def test_one_question_visits_few_modules(teen: Person, as_person: Callable[[Person], Client]) -> None:
    """Counts the POST, the worker and the stream together."""
    client, turn_id = as_person(teen), uuid4()
    follower = AsyncClient()
    follower.cookies = client.cookies

    async def follow() -> bytes:
        reply = await follower.get(f"/tutor/turns/{turn_id}/stream")
        return b"".join([piece async for piece in reply])  # type: ignore[attr-defined]

    def write() -> Turn:
        try:
            return written(Turn.objects.get(pk=turn_id))
        finally:
            connection.close()

    async def follow_while_written() -> tuple[Turn, bytes]:
        following = asyncio.create_task(follow())
        written_turn, stream = await sync_to_async(write, thread_sensitive=False)(), await following
        await close_hub(reader._get_hub())
        return written_turn, stream

    # Code that runs only on import does not count.
    for module in walk_packages(chat.__path__, "chat."):
        import_module(module.name)
    get_resolver().url_patterns  # noqa: B018 - loads the pages
    with modules_visited() as visited:
        assert (
            client.post("/tutor/ask", {"turn_id": turn_id, "question": "Why is the sky blue?"}).status_code
            == 302
        )
        turn, stream = async_to_sync(follow_while_written)()
    assert turn.state == TurnState.ANSWERED
    assert b"event: done" in stream
    assert len(visited) <= MAX_MODULES, " ".join(sorted(visited))
