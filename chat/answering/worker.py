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

from chat.answering.leases import LeaseStatus, checkpoint_turns, claim_turns, finish_turn
from chat.answering.writing import AnswerInProgress, build_outcome, count_answer_tokens, write_answer
from chat.models import EndReason, Turn
from chat.prompt import Prompt, build_prompt, get_stored_passages
from chat.selectors import get_earlier_turns
from chat.turns import outcomes
from chat.turns.outcomes import Outcome
from chat.turns.retries import get_continued_turns
from inference import loop
from kit.connections import release_connection
from telemetry.context import bound_log_ids

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 1.0
# No answer of 400 tokens takes this long on a model that anybody would want to read.
MAX_ANSWER_SECONDS = 300.0
# How long a finished answer waits for a database that is away before its worker lets it go.
FINISH_SECONDS = 30.0
# A worker that is told to end lets the answers that it writes come to their end for this long.
CLOSING_SECONDS = 60.0
DATABASE_THREADS = 6


class TurnWorker:
    """Writes at most `places` answers at a time."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.answers: dict[AnswerInProgress, asyncio.Task[None]] = {}
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
        free = self.places - len(self.answers)
        if self.is_closing or free <= 0:
            return
        try:
            turns = claim_turns(places=free)
        except DatabaseError:
            logger.warning("The database is away: what waits is taken once it is back.")
            return
        try:
            pasts, continued = get_earlier_turns(turns), get_continued_turns(turns)
            passages = get_stored_passages(turns)
        except DatabaseError:
            # The leases run out, and the sweeper gives the turns to somebody else.
            logger.warning("The database is away: %d turns wait for their lease to end.", len(turns))
            return
        for turn in turns:
            outcomes.record_claim(turn)
            try:
                prompt = build_prompt(
                    turn.question,
                    past=pasts.get(turn.pk, ()),
                    memory_tokens=turn.memory_tokens,
                    passages=passages[turn.pk],
                    language=turn.language,
                    is_brief=turn.is_brief,
                    continued=continued[turn.pk],
                )
                with bound_log_ids(turn=turn.pk):
                    loop.submit(self._open(AnswerInProgress(turn), prompt)).result()
            except Exception:
                logger.exception("Turn %s met a fault of our own.", turn.pk)
                finish_turn(
                    turn=turn, outcome=build_outcome(AnswerInProgress(turn), EndReason.INTERNAL_ERROR)
                )

    async def _open(self, answer: AnswerInProgress, prompt: Prompt) -> None:
        self.answers[answer] = asyncio.create_task(self._write(answer, prompt))
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep())

    async def _write(self, answer: AnswerInProgress, prompt: Prompt) -> None:
        try:
            try:
                end_reason = await write_answer(answer, prompt)
            except asyncio.CancelledError:
                end_reason = answer.ended_by or EndReason.WORKER_LOST
            answer.is_written = True
            await count_answer_tokens(answer)
            outcome = build_outcome(answer, end_reason)
            await self._finish(answer.turn, outcome)
            _log_outcome(answer.turn, outcome)
        except Exception:
            logger.exception("Turn %s could not be ended; its lease will.", answer.turn.pk)
        finally:
            del self.answers[answer]
            self._threads.submit(self._in_thread, self.take)

    async def _finish(self, turn: Turn, outcome: Outcome) -> None:
        """Write the outcome down, waiting for a database that is away for a while."""
        give_up_at = time.monotonic() + FINISH_SECONDS
        while True:
            try:
                await self._ask(finish_turn, turn=turn, outcome=outcome)
            except DatabaseError:
                if time.monotonic() > give_up_at:
                    raise
                logger.warning("The database is away: the answer of turn %s waits.", turn.pk)
                await asyncio.sleep(0.5)
            else:
                return

    async def _keep(self) -> None:
        """Every second: keep all drafts in one statement, end those that are to end, and look who waits."""
        while self.answers:
            await asyncio.sleep(CHECKPOINT_SECONDS)
            if not (answers := list(self.answers)):
                return
            try:
                standings = await self._ask(checkpoint_turns, kept=[answer.checkpoint for answer in answers])
            except DatabaseError:
                logger.warning(
                    "The database is away: %d answers go on, their checkpoint waits.", len(answers)
                )
                continue
            for answer in answers:
                if end_reason := _find_end_reason(answer, standings[answer.turn.pk]):
                    self._end(answer, end_reason)
            if len(self.answers) < self.places:
                self._threads.submit(self._in_thread, self.take)

    def _end(self, answer: AnswerInProgress, end_reason: EndReason) -> None:
        # One that is only being written down comes to its own end.
        if answer in self.answers and not answer.is_written and not answer.ended_by:
            answer.ended_by = end_reason
            self.answers[answer].cancel()

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
            release_connection()

    def close(self) -> None:
        """Take nothing more, and let what is being written come to its end, for a while."""
        self.is_closing = True
        end = time.monotonic() + CLOSING_SECONDS
        while self.answers and time.monotonic() < end:
            time.sleep(0.05)


def _log_outcome(turn: Turn, outcome: Outcome) -> None:
    told = {
        "state": str(outcome.state),
        "end_reason": str(outcome.end_reason),
        "prompt_tokens": outcome.prompt_tokens,
        "answer_tokens": outcome.answer_tokens,
    }
    logger.info("Turn %s is %s.", turn.pk, outcome.state, extra=told)


def _find_end_reason(answer: AnswerInProgress, standing: LeaseStatus) -> EndReason:
    if not standing.holds:
        return EndReason.WORKER_LOST
    if standing.is_stop_requested:
        return EndReason.STOPPED_BY_ASKER
    return EndReason.MODEL_SILENT if answer.seconds > MAX_ANSWER_SECONDS else EndReason.NONE


@cache
def get_worker() -> TurnWorker:
    """This process's desk."""
    return TurnWorker(settings.TUTOR_CONCURRENCY)
