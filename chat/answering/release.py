"""An answer that is being written, and how its words are released.

They go onto its stream as far as the gates and the remote guard allow, and what is unsafe is taken back.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial

from chat import streaming
from chat.answering.leases import Checkpoint
from chat.answering.remote_gate import RemoteGate
from chat.models import EndReason, Turn
from chat.prompt import Prompt
from chat.turns import outcomes
from chat.turns.verdicts import get_cut_reason
from guard import OutputGate, SentenceGate, SentenceJudge, Verdict
from inference.endpoints import Endpoint
from inference.messages import AnswerDelta, TokenUsage
from inference.repetition import RepetitionDetector

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TextCounts:
    """Tokens by the model's own tokenizer. None: the server counts none."""

    instructions: int | None
    notes: int | None
    question: int | None
    # What the question leaves to remember.
    new_notes: Sequence[int | None]


@dataclass(eq=False)
class AnswerInProgress:
    """The worker's copy of an answer that is being written. TurnWorker checkpoints it and may end it early."""

    turn: Turn
    endpoint: Endpoint
    # Judges each finished sentence (ADR 55). None: only the rules judge the answer.
    judge_sentence: SentenceJudge | None = None
    # Whether words wait until their sentence is judged. Otherwise an unsafe sentence is withdrawn.
    holds_sentences: bool = True
    # What readers have.
    text: str = ""
    # How many characters of the answer are in sentences that were found safe.
    judged_length: int = 0
    tokens: int = 0
    usage: TokenUsage | None = None
    prompt: Prompt | None = None
    counts: TextCounts | None = None
    # Why the output gate cut the answer, if it did.
    cut_by: EndReason = EndReason.NONE
    # The remote guard's verdict on the question, if a fixed text must replace the answer.
    question_verdict: Verdict | None = None
    is_short: bool = False
    # When the model's server takes questions again, if it said so.
    retry_at: datetime | None = None
    is_written: bool = False
    # Why the writing was ended from outside, if it was.
    ended_by: EndReason = EndReason.NONE
    started: float = field(default_factory=time.monotonic)

    @property
    def checkpoint(self) -> Checkpoint:
        assert self.turn.claim is not None  # noqa: S101 - only a claimed turn is written
        answer = "" if self.turn.asks_for_quiz else self.judged_text
        return Checkpoint(
            turn_id=self.turn.pk, claim=self.turn.claim, answer=answer, answer_tokens=self.tokens
        )

    @property
    def judged_text(self) -> str:
        """The text that may be stored. What was not judged is never stored, however the answer ends."""
        return self.text[: self.judged_length]

    @property
    def has_reached_limit(self) -> bool:
        return self.usage is not None and self.usage.has_reached_limit

    @property
    def seconds(self) -> float:
        """How long this answer has been in progress, in seconds."""
        return time.monotonic() - self.started

    def begin_with(self, turn: Turn, endpoint: Endpoint) -> None:
        """Begin again with another model, after a failure before the first word."""
        self.turn, self.endpoint = turn, endpoint
        self.text, self.judged_length, self.tokens, self.usage, self.retry_at = "", 0, 0, None, None
        self.started = time.monotonic()

    def apply_remote_verdict(self, remote: RemoteGate) -> None:
        """Apply the remote guard's verdicts to the answer."""
        self.question_verdict, self.is_short = remote.question_verdict, remote.is_full
        if remote.cut_by:
            self.cut_by = get_cut_reason(remote.cut_by)


@dataclass
class AnswerRelease:
    """Releases an answer's pieces onto the stream, as far as the gates and the remote guard allow."""

    answer: AnswerInProgress
    writer: streaming.StreamWriter
    remote: RemoteGate | None
    # None: an answer may repeat itself.
    repetition: RepetitionDetector | None
    drops_unfinished_sentence: bool
    # How many characters to keep of an answer that only repeats itself, or of one with an unfinished sentence.
    length: int | None = None
    gate: OutputGate = field(default_factory=OutputGate)
    sentence_gate: SentenceGate | None = field(init=False)
    phase: streaming.ModelPhase | None = None
    # The length of the text after each write that has words without a verdict, and the time of the write.
    _writes: deque[tuple[int, float]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.sentence_gate = self._create_sentence_gate()

    def _create_sentence_gate(self) -> SentenceGate | None:
        judge = self.answer.judge_sentence
        return SentenceGate(judge, holds_sentences=self.answer.holds_sentences) if judge else None

    @property
    def is_cut(self) -> bool:
        return self.gate.is_cut or (self.sentence_gate is not None and self.sentence_gate.is_cut)

    def tell_phase(self, phase: streaming.ModelPhase) -> None:
        """Tell readers what the model does before its first word."""
        # The first words may be held for longer than a model takes to load.
        is_late = phase is streaming.ModelPhase.LOADING and (self.phase or self.answer.tokens)
        if self.phase is not phase and not self.answer.text and not is_late:
            self.phase = phase
            self.writer.send_phase(phase)

    async def follow(self, pieces: AsyncIterable[AnswerDelta | TokenUsage]) -> None:
        """Release pieces until the answer ends, is cut, or is ended from outside."""
        async for piece in pieces:
            if isinstance(piece, TokenUsage):
                self.answer.usage = piece
                continue
            self.answer.tokens = piece.tokens
            if piece.begins_again:
                self._begin_again()
            if not piece.text:
                self.tell_phase(streaming.ModelPhase.THINKING)
            text = await self._judge(self.gate.feed(piece.text) if piece.text else "")
            if self.is_cut:
                return
            self._write(await self.remote.release(text) if self.remote else text)
            if self.remote and self.remote.has_ended:
                return
            if self.repetition and (length := self.repetition.feed(piece.text)) is not None:
                logger.info("Turn %s repeats itself after %d characters.", self.answer.turn.pk, length)
                self.length = length
                return
            if end_reason := _find_end_reason(self.writer.signals, self.answer.turn):
                self.answer.ended_by = end_reason
                return

    async def finish(self) -> None:
        """Release the held-back text if the guards allow it."""
        rest = self.gate.finish()
        if self.sentence_gate and not self.is_cut:
            rest = await self._run_judge(partial(self.sentence_gate.finish, rest))
        if self.gate.is_cut:
            self.answer.cut_by = get_cut_reason(self.gate.verdict)
        if self.is_cut:
            return
        if self.remote:
            rest = await self.remote.release(rest, is_last=True)
        if self.length is None and self.drops_unfinished_sentence and self.answer.has_reached_limit:
            self.length = (self.repetition and self.repetition.get_last_end()) or None
        if self.length is None:
            self._write(rest)
        else:
            self._cut_back(rest, self.length)

    async def judge_shown(self) -> None:
        """Judge the unfinished sentence that readers have of an answer that was ended from outside."""
        if self.sentence_gate and not self.is_cut and self.answer.judged_text != self.answer.text:
            await self._run_judge(self.sentence_gate.finish)

    async def _judge(self, text: str) -> str:
        """Return what may leave with the next text from the output gate, once the sentences it finished are judged."""
        if self.sentence_gate is None:
            return text
        if self.sentence_gate.feed(text):
            return await self._run_judge(self.sentence_gate.release)
        return self.sentence_gate.release()

    async def _run_judge(self, judge: Callable[[], str]) -> str:
        """Run `judge` of the sentence gate away from the event loop, and withdraw what it does not find safe."""
        gate = self.sentence_gate
        assert gate is not None  # noqa: S101 - `judge` is its method
        count_before = gate.judged_count
        judging = asyncio.get_running_loop().run_in_executor(_get_judging_thread(), judge)
        try:
            return await asyncio.shield(judging)
        finally:
            # A stop waits for the verdict too, because the gate is in use until then.
            await asyncio.wait([judging])
            self._apply_verdicts(
                gate, gate.judged_count - count_before, failed=judging.exception() is not None
            )

    def _apply_verdicts(self, gate: SentenceGate, judged_count: int, *, failed: bool) -> None:
        self.answer.judged_length = gate.judged_length
        outcomes.record_safe_sentences(judged_count - gate.is_cut)
        if failed:
            outcomes.record_failed_judge()
            self._withdraw(gate.judged_length)
        if gate.is_cut:
            self.answer.cut_by = get_cut_reason(gate.verdict)
            outcomes.record_unsafe_sentence(*self._withdraw(gate.judged_length))

    def _withdraw(self, length: int) -> tuple[int, float]:
        """Take back what readers have after `length` characters. Returns how many words they had, for how long."""
        withdrawn = self.answer.text[length:]
        if not withdrawn or self.answer.turn.asks_for_quiz:
            self.answer.text = self.answer.text[:length]
            return 0, 0.0
        shown_at = next(at for end, at in self._writes if end > length)
        self.answer.text = self.answer.text[:length]
        self.writer.withdraw(length)
        return len(withdrawn.split()), time.monotonic() - shown_at

    def _cut_back(self, rest: str, length: int) -> None:
        """End the answer after `length` characters, and take back what readers have of the rest."""
        shown, kept = self.answer.text, (self.answer.text + rest)[:length].rstrip()
        if kept.startswith(shown):
            self._write(kept[len(shown) :])
            return
        self.answer.text = kept
        self.writer.begin_again()
        self.writer.add(kept, self.answer.tokens)

    def _begin_again(self) -> None:
        """Discard the text so far, which turned out to be the model's thinking."""
        self.answer.text, self.answer.judged_length, self.gate = "", 0, OutputGate()
        self.sentence_gate = self._create_sentence_gate()
        self._writes.clear()
        self.repetition = RepetitionDetector() if self.repetition else None
        self.writer.begin_again()
        if self.remote:
            self.remote.begin_again()

    def _write(self, text: str) -> None:
        if text and not self.answer.text:
            outcomes.record_first_words(self.answer.turn)
        self.answer.text += text
        length = len(self.answer.text)
        if not self.sentence_gate:
            self.answer.judged_length = length
        judged_length = min(self.answer.judged_length, length)
        while self._writes and self._writes[0][0] <= judged_length:
            self._writes.popleft()
        if self.answer.turn.asks_for_quiz:
            # Readers get the quiz once it is whole. Its raw text says which options are right.
            return
        if text and judged_length < length:
            self._writes.append((length, time.monotonic()))
        self.writer.add(text, self.answer.tokens, unjudged_length=length - judged_length)


@cache
def _get_judging_thread() -> ThreadPoolExecutor:
    """Return the thread that judges sentences. An answer waits for it, so each has at most one request here."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="judging")


def _find_end_reason(signals: streaming.ReaderSignals, turn: Turn) -> EndReason:
    if signals.is_stop_requested:
        return EndReason.STOPPED_BY_ASKER
    # A deferred turn is written even if no page is open.
    is_unread = not signals.has_readers and turn.deferred_at is None
    return EndReason.UNREAD if is_unread else EndReason.NONE
