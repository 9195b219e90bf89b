"""Whose turn it is to ask the model for an answer, while many people run labs at once.

Each process leaves one of the model's places to the tutor, so that no question waits for a lab. Everyone gets a first
answer before anyone gets a second one.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from django.conf import settings


class CallQueue:
    """Lets a number of calls run at once on one event loop. Of those that wait, the lowest `order` is next."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = count()

    @asynccontextmanager
    async def place(self, order: int) -> AsyncIterator[None]:
        """Wait for a place, and give it to the next call at the end."""
        await self._enter(order)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, order: int) -> None:
        if self._places:
            self._places -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (order, next(self._arrivals), turn))
        try:
            await turn
        except asyncio.CancelledError:
            # Cancelled just as it got the place.
            if turn.done() and not turn.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        while self._waiting:
            turn = heapq.heappop(self._waiting)[2]
            if not turn.done():
                turn.set_result(None)
                return
        self._places += 1


# Used on the event loop of inference.loop only.
answers = CallQueue(max(1, settings.TUTOR_CONCURRENCY - 1))
