"""The worker's desk: the turns that this process writes now, and taking the next ones when a place is free.

A task from the broker is a nudge and no more: it makes the desk take what is next in line. The model is read by
coroutines on the process's one loop; the database is asked on a few threads beside it, so that neither ever holds up a
word of another answer (ADR 3, ADR 19).
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError

from chat.answering.draft import Draft, draft_count, draft_write, outcome_of
from chat.answering.leases import Standing, turn_finish, turns_checkpoint, turns_claim
from chat.models import Ending, Turn
from chat.prompt import Prompt, passages_kept, prompt_for
from chat.selectors import pasts_of
from chat.turns import outcomes
from chat.turns.outcomes import Outcome
from chat.turns.retries import continued_by
from inference import loop
from kit.connections import give_back
from telemetry.context import about

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 1.0
# No answer of 400 tokens takes this long on a model that anybody would want to read.
LONGEST_SECONDS = 300.0
# How long a finished answer waits for a database that is away before its worker lets it go.
FINISH_SECONDS = 30.0
# A worker that is told to end lets the answers that it writes come to their end for this long.
CLOSING_SECONDS = 60.0
DATABASE_THREADS = 6


class Desk:
    """Writes at most `places` answers at a time."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.drafts: dict[Draft, asyncio.Task[None]] = {}
        self.is_closing = False
        self._threads = ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix="desk")
        self._nudged = threading.Event()
        self._taking = threading.Lock()
        self._keeping: asyncio.Task[None] | None = None

    def take(self) -> None:
        """Begin the turns that are next in line, as many as there are places for. May be called on any thread."""
        self._nudged.set()
        # One thread claims for all. Whoever nudges it meanwhile is seen to when it looks again.
        while self._nudged.is_set() and self._taking.acquire(blocking=False):
            try:
                self._nudged.clear()
                self._take()
            finally:
                self._taking.release()

    def _take(self) -> None:
        free = self.places - len(self.drafts)
        if self.is_closing or free <= 0:
            return
        try:
            turns = turns_claim(places=free)
        except DatabaseError:
            logger.warning("The database is away: what waits is taken once it is back.")
            return
        try:
            pasts, continued = pasts_of(turns), continued_by(turns)
            passages = passages_kept(turns)
        except DatabaseError:
            # The leases run out, and the sweeper gives the turns to somebody else.
            logger.warning("The database is away: %d turns wait for their lease to end.", len(turns))
            return
        for turn in turns:
            outcomes.turn_claimed(turn)
            try:
                prompt = prompt_for(
                    turn.question,
                    past=pasts.get(turn.pk, ()),
                    memory_tokens=turn.memory_tokens,
                    passages=passages[turn.pk],
                    language=turn.language,
                    is_brief=turn.is_brief,
                    continued=continued[turn.pk],
                )
                with about(turn=turn.pk):
                    loop.submit(self._open(Draft(turn), prompt)).result()
            except Exception:
                logger.exception("Turn %s met a fault of our own.", turn.pk)
                turn_finish(turn=turn, outcome=outcome_of(Draft(turn), Ending.FAULT))

    async def _open(self, draft: Draft, prompt: Prompt) -> None:
        self.drafts[draft] = asyncio.create_task(self._write(draft, prompt))
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep())

    async def _write(self, draft: Draft, prompt: Prompt) -> None:
        try:
            try:
                ending = await draft_write(draft, prompt)
            except asyncio.CancelledError:
                ending = draft.ended_by or Ending.WORKER_LOST
            draft.is_written = True
            await draft_count(draft)
            outcome = outcome_of(draft, ending)
            await self._finish(draft.turn, outcome)
            _tell(draft.turn, outcome)
        except Exception:
            logger.exception("Turn %s could not be ended; its lease will.", draft.turn.pk)
        finally:
            del self.drafts[draft]
            self._threads.submit(self._in_thread, self.take)

    async def _finish(self, turn: Turn, outcome: Outcome) -> None:
        """Write the outcome down, waiting for a database that is away for a while."""
        give_up_at = time.monotonic() + FINISH_SECONDS
        while True:
            try:
                await self._ask(turn_finish, turn=turn, outcome=outcome)
            except DatabaseError:
                if time.monotonic() > give_up_at:
                    raise
                logger.warning("The database is away: the answer of turn %s waits.", turn.pk)
                await asyncio.sleep(0.5)
            else:
                return

    async def _keep(self) -> None:
        """Every second: keep all drafts in one statement, end those that are to end, and look who waits."""
        while self.drafts:
            await asyncio.sleep(CHECKPOINT_SECONDS)
            if not (drafts := list(self.drafts)):
                return
            try:
                standings = await self._ask(turns_checkpoint, kept=[draft.checkpoint for draft in drafts])
            except DatabaseError:
                logger.warning("The database is away: %d answers go on, their checkpoint waits.", len(drafts))
                continue
            for draft in drafts:
                if ending := _ending_of(draft, standings[draft.turn.pk]):
                    self._end(draft, ending)
            if len(self.drafts) < self.places:
                self._threads.submit(self._in_thread, self.take)

    def _end(self, draft: Draft, ending: Ending) -> None:
        # One that is only being written down comes to its own end.
        if draft in self.drafts and not draft.is_written and not draft.ended_by:
            draft.ended_by = ending
            self.drafts[draft].cancel()

    async def _ask[T](self, question: Callable[..., T], **about: Any) -> T:
        """Ask the database on a thread of the desk's."""
        asked = asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: self._in_thread(question, **about)
        )
        # Whoever is cancelled while the answer is written down is not to leave it half done.
        return await asyncio.shield(asked)

    @staticmethod
    def _in_thread[T](question: Callable[..., T], **about: Any) -> T:
        try:
            return question(**about)
        finally:
            give_back()

    def close(self) -> None:
        """Take nothing more, and let what is being written come to its end, for a while."""
        self.is_closing = True
        end = time.monotonic() + CLOSING_SECONDS
        while self.drafts and time.monotonic() < end:
            time.sleep(0.05)


def _tell(turn: Turn, outcome: Outcome) -> None:
    told = {
        "state": str(outcome.state),
        "ending": str(outcome.ending),
        "prompt_tokens": outcome.prompt_tokens,
        "answer_tokens": outcome.answer_tokens,
    }
    logger.info("Turn %s is %s.", turn.pk, outcome.state, extra=told)


def _ending_of(draft: Draft, standing: Standing) -> Ending:
    if not standing.holds:
        return Ending.WORKER_LOST
    if standing.stop_asked:
        return Ending.ASKED
    return Ending.MODEL_SILENT if draft.seconds > LONGEST_SECONDS else Ending.NONE


@cache
def desk() -> Desk:
    """This process's desk."""
    return Desk(settings.TUTOR_PLACES)
