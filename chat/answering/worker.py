"""The turns that this process is writing, and how it claims the next ones when it has a free slot.

A Celery task is only a nudge: it makes the worker claim the next turns in the queue. Coroutines on the process's one
event loop read the model; a few threads run the database queries, so that no answer waits for another one (ADR 3,
ADR 19).
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

from chat import streaming
from chat.answering.leases import (
    LeaseStatus,
    checkpoint_turns,
    claim_turns,
    finish_turn,
    is_stop_requested,
)
from chat.answering.release import AnswerInProgress
from chat.answering.writing import (
    build_outcome,
    count_answer_tokens,
    count_texts,
    write_answer,
)
from chat.model_choice import (
    PromptParts,
    build_turn_prompt,
    load_prompt_parts,
    request_admission,
    reroute_turn,
)
from chat.models import EndReason, Turn
from chat.prompt import Prompt
from chat.selectors import get_continued_turns, get_earlier_turns, get_notes, get_stored_passages
from chat.turns import outcomes
from chat.turns.outages import MODEL_FAILURES, build_outcome_without_answer, record_model_failure
from chat.turns.outcomes import Outcome
from chat.turns.verdicts import get_verdict, is_clearly_ordinary
from guard import AnswerJudge, judge_sentence
from inference import loop
from inference.endpoints import Endpoint
from kit.connections import release_connection
from routing.ranking import SkipReason
from telemetry.context import bound_log_ids

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 1.0
# An answer of 400 tokens takes less than this on any usable model.
MAX_ANSWER_SECONDS = 300.0
# How long the worker retries to store a finished answer while the database is unavailable.
FINISH_SECONDS = 30.0
# How long a worker that shuts down waits for its answers to end.
CLOSING_SECONDS = 60.0
DATABASE_THREADS = 6
# Reasons for which another model is asked, if the failed one has not written a word.
FALLBACK_REASONS = MODEL_FAILURES | {EndReason.TOO_LONG}


class TurnWorker:
    """Writes at most `max_answers` answers at a time. `judge_sentence` judges their sentences (ADR 55), if given."""

    def __init__(self, max_answers: int, judge_sentence: AnswerJudge | None = None) -> None:
        self.max_answers = max_answers
        self._judge_sentence = judge_sentence
        self.answers: dict[AnswerInProgress, asyncio.Task[None]] = {}
        self.is_closing = False
        self._threads = ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix="worker")
        self._nudged = threading.Event()
        self._claiming = threading.Lock()
        self._checkpointing: asyncio.Task[None] | None = None

    def claim_next(self) -> None:
        """Claim the next turns in the queue, as many as there are free slots, and start to write them. Thread-safe."""
        self._nudged.set()
        # One thread claims for all. A nudge that arrives meanwhile is handled by the next loop.
        while self._nudged.is_set() and self._claiming.acquire(blocking=False):
            try:
                self._nudged.clear()
                self._fill_free_slots()
            finally:
                self._claiming.release()

    def _fill_free_slots(self) -> None:
        free_slots = self.max_answers - len(self.answers)
        if self.is_closing or free_slots <= 0:
            return
        try:
            turns = claim_turns(limit=free_slots)
        except DatabaseError:
            logger.warning("The database is unavailable: queued turns are claimed once it is back.")
            return
        if not turns:
            return
        try:
            earlier_by_turn, continued = get_earlier_turns(turns), get_continued_turns(turns)
            passages, notes = get_stored_passages(turns), get_notes(turns)
        except DatabaseError:
            # Their leases run out, and the sweep gives the turns to another worker.
            logger.warning("The database is unavailable: %d turns wait for their leases to end.", len(turns))
            return
        for turn in turns:
            outcomes.record_claim(turn)
            parts = PromptParts(
                earlier_by_turn.get(turn.pk, ()),
                passages[turn.pk],
                continued[turn.pk],
                notes.get(turn.pk, ()),
            )
            try:
                self._start(turn, parts)
            except Exception:
                logger.exception("Unexpected error in turn %s.", turn.pk)
                finish_turn(turn=turn, outcome=build_outcome_without_answer(EndReason.INTERNAL_ERROR))

    def _start(self, turn: Turn, parts: PromptParts) -> None:
        """Start to write a claimed turn, by another model if the one that was chosen may not or cannot answer now."""
        if skip_reason := request_admission(turn):
            rerouted = reroute_turn(
                turn=turn,
                reason=skip_reason,
                outcome=build_outcome_without_answer(EndReason.MODEL_UNREACHABLE),
            )
            if rerouted:
                turn, parts = rerouted, load_prompt_parts(rerouted)
            elif skip_reason == SkipReason.LOCAL_ONLY:
                finish_turn(turn=turn, outcome=build_outcome_without_answer(EndReason.NO_LOCAL_MODEL))
                return
        if turn.tutor_model is None:
            # An admin has deleted it.
            finish_turn(turn=turn, outcome=build_outcome_without_answer(EndReason.MODEL_UNREACHABLE))
            return
        prompt = build_turn_prompt(turn, parts, model=turn.tutor_model)
        answer = self._begin_answer(turn, parts, turn.tutor_model.endpoint)
        with bound_log_ids(turn=turn.pk):
            loop.submit(self._start_writing(answer, prompt)).result()

    def _begin_answer(self, turn: Turn, parts: PromptParts, endpoint: Endpoint) -> AnswerInProgress:
        judge = self._judge_sentence
        if judge is None:
            return AnswerInProgress(turn, endpoint)
        # A continuation answers the question of the turn that it continues.
        asked_turns = [*parts.continued, turn]
        is_ordinary = all(is_clearly_ordinary(get_verdict(question)) for question in asked_turns)
        return AnswerInProgress(
            turn,
            endpoint,
            judge_sentence=lambda sentence: judge(
                question=asked_turns[0].question, sentence=sentence, is_question_ordinary=is_ordinary
            ),
            holds_sentences=not is_ordinary,
        )

    async def _start_writing(self, answer: AnswerInProgress, prompt: Prompt) -> None:
        self.answers[answer] = asyncio.create_task(self._write(answer, prompt))
        if self._checkpointing is None or self._checkpointing.done():
            self._checkpointing = asyncio.create_task(self._checkpoint_regularly())

    async def _write(self, answer: AnswerInProgress, prompt: Prompt) -> None:
        try:
            try:
                end_reason = await self._write_with_fallback(answer, prompt)
            except asyncio.CancelledError:
                end_reason = answer.ended_by or EndReason.WORKER_LOST
            answer.is_written = True
            await asyncio.gather(count_answer_tokens(answer), count_texts(answer))
            outcome = build_outcome(answer, end_reason)
            await self._finish(answer.turn, outcome)
            _log_outcome(answer.turn, outcome)
        except Exception:
            logger.exception(
                "Turn %s could not be finished; a sweep will do it once its lease ends.", answer.turn.pk
            )
        finally:
            del self.answers[answer]
            self._threads.submit(self._run_in_thread, self.claim_next)

    async def _write_with_fallback(self, answer: AnswerInProgress, prompt: Prompt) -> EndReason:
        """Write an answer. While a model fails before its first word, the next one is asked."""
        while True:
            end_reason = await write_answer(answer, prompt)
            if not _may_fall_back(answer, end_reason):
                return end_reason
            try:
                following = await self._run_in_database(
                    fall_back, turn=answer.turn, outcome=build_outcome(answer, end_reason)
                )
                # A stop keeps a turn from going to another model.
                if following is None and await self._run_in_database(
                    is_stop_requested, turn_id=answer.turn.pk
                ):
                    return EndReason.STOPPED_BY_ASKER
            except DatabaseError:
                logger.warning("The database is unavailable: turn %s keeps its model.", answer.turn.pk)
                return end_reason
            if following is None:
                return end_reason
            turn, endpoint, prompt = following
            streaming.StreamWriter(turn.pk).send_phase(streaming.ModelPhase.FALLBACK)
            answer.begin_with(turn, endpoint)

    async def _finish(self, turn: Turn, outcome: Outcome) -> None:
        """Store the outcome. If the database is unavailable, retries for FINISH_SECONDS, then raises."""
        give_up_at = time.monotonic() + FINISH_SECONDS
        while True:
            try:
                await self._run_in_database(finish_turn, turn=turn, outcome=outcome)
            except DatabaseError:
                if time.monotonic() > give_up_at:
                    raise
                logger.warning("The database is unavailable: the answer of turn %s waits.", turn.pk)
                await asyncio.sleep(0.5)
            else:
                return

    async def _checkpoint_regularly(self) -> None:
        """Every second: checkpoint all answers in one statement, end those that must end, and claim more turns."""
        while self.answers:
            await asyncio.sleep(CHECKPOINT_SECONDS)
            if not (answers := list(self.answers)):
                return
            try:
                leases = await self._run_in_database(
                    checkpoint_turns, checkpoints=[answer.checkpoint for answer in answers]
                )
            except DatabaseError:
                logger.warning(
                    "The database is unavailable: %d answers continue without a checkpoint.", len(answers)
                )
                continue
            for answer in answers:
                if end_reason := _find_end_reason(answer, leases[answer.turn.pk]):
                    self._end(answer, end_reason)
            # An answer that ended meanwhile claims for its own slot.
            if len(answers) < self.max_answers:
                self._threads.submit(self._run_in_thread, self.claim_next)

    def _end(self, answer: AnswerInProgress, end_reason: EndReason) -> None:
        # An answer that is only being stored ends by itself.
        if answer in self.answers and not answer.is_written and not answer.ended_by:
            answer.ended_by = end_reason
            self.answers[answer].cancel()

    async def _run_in_database[T](self, query: Callable[..., T], **arguments: Any) -> T:
        """Run a database function on one of the worker's threads."""
        future = asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: self._run_in_thread(query, **arguments)
        )
        # Cancelling the caller must not leave a half-stored answer.
        return await asyncio.shield(future)

    @staticmethod
    def _run_in_thread[T](query: Callable[..., T], **arguments: Any) -> T:
        try:
            return query(**arguments)
        finally:
            release_connection()

    def close(self) -> None:
        """Stop claiming, and wait up to CLOSING_SECONDS for the answers that are being written. Blocks."""
        self.is_closing = True
        end = time.monotonic() + CLOSING_SECONDS
        while self.answers and time.monotonic() < end:
            time.sleep(0.05)


def _may_fall_back(answer: AnswerInProgress, end_reason: EndReason) -> bool:
    is_untouched = not (answer.text or answer.ended_by or answer.cut_by or answer.question_verdict)
    return end_reason in FALLBACK_REASONS and is_untouched


def fall_back(*, turn: Turn, outcome: Outcome) -> tuple[Turn, Endpoint, Prompt] | None:
    """Give a turn whose model failed to the next model, and return the turn, its endpoint and its prompt.

    Returns None if there is no other model. The failure counts toward the model's breaker. The site pays for what the
    model has used.
    """
    failed = turn.tutor_model
    rerouted = reroute_turn(turn=turn, reason=SkipReason.FAILED, outcome=outcome)
    if rerouted is None or rerouted.tutor_model is None:
        return None
    if failed and outcome.end_reason in MODEL_FAILURES:
        record_model_failure(failed, outcome.end_reason, retry_at=outcome.retry_at)
    outcomes.record_fallback(outcome.end_reason)
    logger.warning("Turn %s: %s failed (%s).", turn.pk, failed, outcome.end_reason)
    model = rerouted.tutor_model
    return rerouted, model.endpoint, build_turn_prompt(rerouted, load_prompt_parts(rerouted), model=model)


def _log_outcome(turn: Turn, outcome: Outcome) -> None:
    fields = {
        "state": str(outcome.state),
        "end_reason": str(outcome.end_reason),
        "prompt_tokens": outcome.prompt_tokens,
        "answer_tokens": outcome.answer_tokens,
    }
    logger.info("Turn %s is %s.", turn.pk, outcome.state, extra=fields)


def _find_end_reason(answer: AnswerInProgress, lease: LeaseStatus) -> EndReason:
    if not lease.is_held:
        return EndReason.WORKER_LOST
    if lease.is_stop_requested:
        return EndReason.STOPPED_BY_ASKER
    return EndReason.MODEL_SILENT if answer.seconds > MAX_ANSWER_SECONDS else EndReason.NONE


@cache
def get_worker() -> TurnWorker:
    """Return this process's worker."""
    return TurnWorker(settings.TUTOR_CONCURRENCY, judge_sentence)
