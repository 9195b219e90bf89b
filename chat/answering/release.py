"""Releases an answer onto its stream, as far as the gates and the remote guard allow."""

import logging
from collections.abc import AsyncIterable
from dataclasses import dataclass, field

from chat import streaming
from chat.answering.progress import AnswerInProgress
from chat.answering.remote_gate import RemoteGate
from chat.answering.repetition import RepetitionDetector
from chat.models import EndReason, Turn
from chat.turns import outcomes
from chat.turns.verdicts import get_cut_reason
from guard import OutputGate
from inference.messages import AnswerDelta, TokenUsage

logger = logging.getLogger(__name__)


@dataclass
class AnswerRelease:
    """Releases an answer's pieces onto the stream, as far as the output gate and the remote guard allow."""

    answer: AnswerInProgress
    writer: streaming.StreamWriter
    remote: RemoteGate | None
    # None: an answer may repeat itself.
    repetition: RepetitionDetector | None
    drops_unfinished_sentence: bool
    # How many characters to keep of an answer that only repeats itself, or of one with an unfinished sentence.
    length: int | None = None
    gate: OutputGate = field(default_factory=OutputGate)
    phase: streaming.ModelPhase | None = None

    def tell_phase(self, phase: streaming.ModelPhase) -> None:
        """Tell readers what the model does before its first word."""
        if (
            self.phase is not phase
            and not self.answer.text
            and (phase is streaming.ModelPhase.THINKING or not self.phase)
        ):
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
            text = self.gate.feed(piece.text) if piece.text else ""
            self._write(await self.remote.release(text) if self.remote else text)
            if self.gate.is_cut or (self.remote and self.remote.has_ended):
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
        if self.gate.is_cut:
            self.answer.cut_by = get_cut_reason(self.gate.verdict)
        elif self.remote:
            rest = await self.remote.release(rest, ended=True)
        if self.length is None and self.drops_unfinished_sentence and self.answer.has_reached_limit:
            self.length = (self.repetition and self.repetition.find_last_end()) or None
        if self.length is None:
            self._write(rest)
        else:
            self._cut_back(rest, self.length)

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
        self.answer.text, self.gate = "", OutputGate()
        self.repetition = RepetitionDetector() if self.repetition else None
        self.writer.begin_again()
        if self.remote:
            self.remote.begin_again()

    def _write(self, text: str) -> None:
        if text and not self.answer.text:
            outcomes.record_first_words(self.answer.turn)
        self.answer.text += text
        self.writer.add(text, self.answer.tokens)


def _find_end_reason(signals: streaming.ReaderSignals, turn: Turn) -> EndReason:
    if signals.is_stop_requested:
        return EndReason.STOPPED_BY_ASKER
    # A deferred turn is written even if no page is open.
    is_unread = not signals.has_readers and turn.deferred_at is None
    return EndReason.UNREAD if is_unread else EndReason.NONE
