"""Holds back an answer between the output gate and the stream until the remote guard has judged it (ADR 22).

No text goes out before the remote guard has judged the question and that text, or has timed out. If it gives no
verdict, the local guard is stricter for the rest of the answer, and the answer is kept short.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from django.conf import settings

from chat.prompt import Prompt
from chat.turns import outcomes
from chat.turns.verdicts import FIXED_STATES
from guard import Action, Verdict, action_for, judge_output, judge_strictly
from guard.remote import GUARDS, GuardMessages, RemoteGuard, UnreadableReply
from inference.messages import ChatMessage
from inference.remote_guard import RemoteGuardUnavailable, ask_remote_guard

logger = logging.getLogger(__name__)

# A window ends with the first sentence that ends after this many characters: about six windows in the longest answer.
MIN_WINDOW_LENGTH = 240
MAX_WINDOW_LENGTH = 600
# How many characters before a window are judged with it, for context.
CONTEXT_LENGTH = 600
# Without the remote guard an answer ends with the sentence after this many characters.
DEGRADED_LENGTH = 700
# The actions that replace an answer once the remote guard has judged the question.
FIXED_ACTIONS = frozenset(FIXED_STATES)


@dataclass
class RemoteGate:
    """The remote guard's verdicts on one turn so far, and the text that waits for a verdict."""

    question: Sequence[ChatMessage]
    # The verdict on the question, if a fixed text must replace the answer.
    question_verdict: Verdict | None = None
    # The verdict that cut the answer, if one did.
    cut_by: Verdict | None = None
    is_degraded: bool = False
    _held: str = ""
    _released: str = ""
    _judging: asyncio.Task[Verdict | None] | None = field(default=None, repr=False)

    @classmethod
    def for_prompt(cls, prompt: Prompt) -> "RemoteGate":
        return cls(prompt.conversation)

    async def __aenter__(self) -> Self:
        # Runs while the model answers, which takes longer.
        self._judging = asyncio.create_task(self._ask(self.question))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._judging is not None:
            self._judging.cancel()

    @property
    def has_ended(self) -> bool:
        """Whether no more text may go out."""
        return bool(self.question_verdict or self.cut_by) or self.is_full

    @property
    def is_full(self) -> bool:
        return self.is_degraded and len(self._released) >= DEGRADED_LENGTH

    def begin_again(self) -> None:
        """Discard the answer so far, which turned out to be the model's thinking."""
        self._held = self._released = ""

    async def release(self, text: str, *, is_last: bool = False) -> str:
        """Take text from the output gate, and return the text that may go out now. `is_last` marks the last text."""
        self._held += text
        if self.has_ended or not (window := self._find_window(is_last=is_last)):
            return ""
        await self.await_question_verdict()
        if self.question_verdict or not await self._is_allowed(window):
            return ""
        self._held, self._released = self._held[len(window) :], self._released + window
        return window

    async def await_question_verdict(self) -> None:
        """Wait for the verdict on the question, unless it is known already."""
        if self._judging is None:
            return
        # The shield lets the request finish if this caller is cancelled. Without a verdict the local guard judges
        # strictly: a trace of danger in the question is enough for a check-in.
        verdict = await asyncio.shield(self._judging) or judge_strictly(self.question[-1]["content"])
        self._judging = None
        if action_for(verdict) in FIXED_ACTIONS:
            self.question_verdict = verdict

    def _find_window(self, *, is_last: bool) -> str:
        if is_last or len(self._held) >= MAX_WINDOW_LENGTH:
            return self._held
        if len(self._held) < MIN_WINDOW_LENGTH:
            return ""
        ends = [self._held.find(mark, MIN_WINDOW_LENGTH - 1) for mark in (". ", "! ", "? ", "\n")]
        end = min((end for end in ends if end >= 0), default=-1)
        return self._held[: end + 1] if end >= 0 else ""

    async def _is_allowed(self, window: str) -> bool:
        answer = self._released[-CONTEXT_LENGTH:] + window
        messages: list[ChatMessage] = [*self.question[-1:], {"role": "assistant", "content": answer}]
        verdict = None if self.is_degraded else await self._ask(messages)
        # The output gate judged each piece. Without a remote verdict, judge the window as a whole once more.
        verdict = verdict or judge_output(answer)
        if action_for(verdict) in FIXED_ACTIONS or (self.is_degraded and verdict.categories):
            self.cut_by = verdict
        return self.cut_by is None

    async def _ask(self, messages: GuardMessages) -> Verdict | None:
        """Return the remote guard's verdict. After None it is not asked again for this turn."""
        guard = GUARDS[settings.GUARD_PROVIDER]
        began = time.perf_counter()
        try:
            verdict = await _fetch_verdict(guard, messages)
        except (RemoteGuardUnavailable, UnreadableReply) as error:
            logger.warning("No verdict from the remote guard (%s): the local guard is stricter.", error)
        except Exception:
            logger.exception(
                "Unexpected error in a request to the remote guard: the local guard is stricter."
            )
        else:
            is_flagged = action_for(verdict) is not Action.ANSWER
            outcomes.record_remote_verdict("flagged" if is_flagged else "passed", time.perf_counter() - began)
            return verdict
        outcomes.record_remote_verdict("failed")
        self.is_degraded = True
        return None


async def _fetch_verdict(guard: RemoteGuard, messages: GuardMessages) -> Verdict:
    request = guard.build_request(messages, model=settings.GUARD_MODEL)
    return await ask_remote_guard(request.path, request.body, parse=guard.parse_reply)
