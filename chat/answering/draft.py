"""One answer while it is written: from the model through the output gate onto the stream."""

import asyncio
import logging
import time
from collections.abc import AsyncIterable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from chat import streaming
from chat.answering.leases import Checkpoint
from chat.answering.watch import Watch, watches
from chat.models import Ending, State, Turn
from chat.prompt import Prompt, for_turn
from chat.turns import outcomes
from chat.turns.outcomes import Outcome
from chat.turns.verdicts import FIXED, ending_of_cut
from guard import OutputGate, Verdict, action_for
from inference import errors
from inference.provider import answer_stream, tokens_counted
from inference.talk import Usage, Words

logger = logging.getLogger(__name__)

# A model that is loaded says something sooner than this.
LOADING_AFTER_SECONDS = 8.0

FAULT_ENDINGS = {
    errors.ModelUnreachable: Ending.MODEL_AWAY,
    errors.ModelBusy: Ending.MODEL_BUSY,
    errors.ModelBroken: Ending.MODEL_BROKEN,
    errors.OutOfQuota: Ending.MODEL_QUOTA,
    errors.PromptTooLong: Ending.TOO_LONG,
    errors.ModelRefused: Ending.MODEL_REFUSED,
    errors.AnswerFiltered: Ending.FILTERED,
    errors.AnswerEmpty: Ending.MODEL_EMPTY,
    errors.AnswerAllThought: Ending.ALL_THOUGHT,
    errors.ModelSilent: Ending.MODEL_SILENT,
    errors.ModelGarbled: Ending.MODEL_GARBLED,
}


@dataclass(eq=False)
class Draft:
    """What has been written of a turn. The desk keeps it every second, and may say why it is to end."""

    turn: Turn
    text: str = ""
    tokens: int = 0
    usage: Usage | None = None
    # Why the gate cut it, if it did.
    cut_by: Ending = Ending.NONE
    # What a guard elsewhere found in the question, where fixed words are due instead of an answer.
    asks_for: Verdict | None = None
    is_short: bool = False
    # When the model's server takes questions again, where it said so.
    retry_at: datetime | None = None
    is_written: bool = False
    # Why somebody ended the writing from outside, if anybody did.
    ended_by: Ending = Ending.NONE
    started: float = field(default_factory=time.monotonic)

    @property
    def checkpoint(self) -> Checkpoint:
        assert self.turn.claim is not None  # noqa: S101 - only a claimed turn is written
        return Checkpoint(
            turn_id=self.turn.pk, claim=self.turn.claim, answer=self.text, answer_tokens=self.tokens
        )

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def heed(self, watch: Watch) -> None:
        """Take over what the remote guard had to say."""
        self.asks_for, self.is_short = watch.asks_for, watch.is_long_enough
        if watch.cut_by:
            self.cut_by = ending_of_cut(watch.cut_by)


async def draft_write(draft: Draft, prompt: Prompt) -> Ending:
    """Write the draft to its end. Returns why it ended; NONE for a whole answer."""
    watch = Watch.over(prompt) if watches() else None
    if not watch:
        return await _written(draft, prompt, None)
    async with watch:
        try:
            ending = await _written(draft, prompt, watch)
            await watch.hear_out()
        except asyncio.CancelledError:
            if not draft.ended_by:
                raise
            ending = draft.ended_by
            await watch.hear_out()
        # Somebody in danger gets the card whatever became of the answer: cut, stopped, empty or failed.
        draft.heed(watch)
    return ending


async def _written(draft: Draft, prompt: Prompt, watch: Watch | None) -> Ending:
    try:
        await _write(draft, prompt, watch)
    except errors.ModelFault as fault:
        return _ending_of_fault(draft, fault)
    except Exception:
        logger.exception("Turn %s met a fault of our own.", draft.turn.pk)
        return Ending.FAULT
    return draft.ended_by


def _ending_of_fault(draft: Draft, fault: errors.ModelFault) -> Ending:
    logger.log(logging.ERROR if fault.alarms else logging.WARNING, "Turn %s: %s", draft.turn.pk, fault)
    if fault.withholds:
        draft.text = ""
    if fault.retry_after is not None:
        draft.retry_at = timezone.now() + timedelta(seconds=fault.retry_after)
    return FAULT_ENDINGS[type(fault)]


async def draft_count(draft: Draft) -> None:
    """Have the model count what it wrote, where it did not report it. Chunks were counted until here."""
    reported = draft.usage and draft.usage.answer_tokens is not None
    if draft.tokens and not reported:
        # A server may put several tokens into a chunk; and words that were held back were generated too.
        counted = max(draft.tokens, await tokens_counted(draft.text) or 0)
        # The answer ended there, so that no more than an estimate went beyond it.
        draft.tokens = min(counted, draft.turn.answer_cap)


async def _write(draft: Draft, prompt: Prompt, watch: Watch | None) -> None:
    writer, broken = streaming.Writer(draft.turn.pk), None
    answer = answer_stream(
        messages=for_turn(prompt, draft.turn).messages,
        answer_tokens=draft.turn.answer_cap,
        request_id=str(draft.turn.pk),
    )
    async with writer, aclosing(answer) as pieces:
        release = _Release(draft, writer, watch)
        silence = asyncio.get_running_loop().call_later(
            LOADING_AFTER_SECONDS, release.tell, streaming.Phase.LOADING
        )
        try:
            await release.follow(pieces)
        except errors.ModelFault as fault:
            if fault.withholds:
                raise
            # What is still held back was written before that, and is judged and kept.
            broken = fault
        finally:
            silence.cancel()
        if not draft.ended_by:
            await release.finish()
    if broken:
        raise broken


@dataclass
class _Release:
    """Lets an answer's pieces onto the stream, as far as the gate and a guard elsewhere do."""

    draft: Draft
    writer: streaming.Writer
    watch: Watch | None
    gate: OutputGate = field(default_factory=OutputGate)
    phase: streaming.Phase | None = None

    def tell(self, phase: streaming.Phase) -> None:
        """Say on the page why there is no word yet."""
        if (
            self.phase is not phase
            and not self.draft.text
            and (phase is streaming.Phase.THINKING or not self.phase)
        ):
            self.phase = phase
            self.writer.tell(phase)

    async def follow(self, pieces: AsyncIterable[Words | Usage]) -> None:
        """Until the answer's end, or until it is cut or ended from outside."""
        async for piece in pieces:
            if isinstance(piece, Usage):
                self.draft.usage = piece
                continue
            self.draft.tokens = piece.tokens
            if piece.begins_again:
                self._begin_again()
            if not piece.text:
                self.tell(streaming.Phase.THINKING)
            text = self.gate.feed(piece.text) if piece.text else ""
            self._say(await self.watch.let(text) if self.watch else text)
            if self.gate.is_cut or (self.watch and self.watch.has_ended):
                return
            if ending := _ending_of(self.writer.signals, self.draft.turn):
                self.draft.ended_by = ending
                return

    async def finish(self) -> None:
        """Let go what was held back, if it may go."""
        rest = self.gate.finish()
        if self.gate.is_cut:
            self.draft.cut_by = ending_of_cut(self.gate.verdict)
        elif self.watch:
            rest = await self.watch.let(rest, ended=True)
        self._say(rest)

    def _begin_again(self) -> None:
        """Take back what was said, as it turned out to be the model's thinking."""
        self.draft.text, self.gate = "", OutputGate()
        self.writer.begin_again()
        if self.watch:
            self.watch.begin_again()

    def _say(self, text: str) -> None:
        if text and not self.draft.text:
            outcomes.turn_begun(self.draft.turn)
        self.draft.text += text
        self.writer.add(text, self.draft.tokens)


def _ending_of(signals: streaming.Signals, turn: Turn) -> Ending:
    if signals.stop:
        return Ending.ASKED
    # Who asked to be answered later need not be there to read.
    is_unread = signals.unread and turn.deferred_at is None
    return Ending.UNREAD if is_unread else Ending.NONE


def outcome_of(draft: Draft, ending: Ending) -> Outcome:
    """What the turn came to. Reported usage is billed as reported; without it, what was counted here.

    Fixed words and failures cost the person nothing: what the model had generated by then is the site's cost.
    """
    usage = draft.usage or Usage(prompt_tokens=None, answer_tokens=None, reached_limit=False)
    # A model that never said a word has cost nothing that anybody can show.
    prompt_tokens = usage.prompt_tokens or (draft.turn.prompt_tokens if draft.tokens else 0)
    if draft.asks_for:
        state, ending = FIXED[action_for(draft.asks_for)], Ending.NONE
    elif draft.cut_by:
        state, ending = State.WITHHELD, draft.cut_by
    elif not ending:
        state, ending = State.ANSWERED, _end_of_answer(draft, usage)
    else:
        state = State.STOPPED if ending in {Ending.ASKED, Ending.UNREAD} else State.FAILED
    return Outcome(
        state=state,
        ending=ending,
        answer="" if draft.cut_by or draft.asks_for else draft.text.strip(),
        verdict=draft.asks_for,
        prompt_tokens=prompt_tokens,
        cached_tokens=usage.cached_tokens,
        answer_tokens=usage.answer_tokens if usage.answer_tokens is not None else draft.tokens,
        retry_at=draft.retry_at,
    )


def _end_of_answer(draft: Draft, usage: Usage) -> Ending:
    if draft.is_short:
        return Ending.CAREFUL
    return Ending.LIMIT if usage.reached_limit else Ending.NONE
