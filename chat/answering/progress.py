"""An answer that is being written, as the worker knows it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chat.answering.leases import Checkpoint
from chat.answering.remote_gate import RemoteGate
from chat.models import EndReason, Turn
from chat.prompt import Prompt
from chat.turns.verdicts import get_cut_reason
from guard import SentenceJudge, Verdict
from inference.endpoints import Endpoint
from inference.messages import TokenUsage


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
        return Checkpoint(
            turn_id=self.turn.pk, claim=self.turn.claim, answer=self.judged_text, answer_tokens=self.tokens
        )

    @property
    def judged_text(self) -> str:
        """The text that may be stored. What was not judged is never stored, however the answer ends."""
        return self.text[: self.judged_length]

    @property
    def has_reached_limit(self) -> bool:
        return self.usage is not None and self.usage.reached_limit

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
