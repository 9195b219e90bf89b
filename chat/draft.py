"""One answer while it is written: from the model through the output gate onto the stream."""

import asyncio
import logging
import time
from contextlib import aclosing
from dataclasses import dataclass, field

from chat import measures, stream
from chat.acts import FIXED, ending_of_cut
from chat.leases import Checkpoint, Outcome
from chat.models import Ending, State, Turn
from chat.prompt import Prompt, for_turn
from chat.watch import Watch, watches
from guard import OutputGate, Verdict, action_for
from inference import errors
from inference.provider import answer_stream, tokens_counted
from inference.talk import Usage

logger = logging.getLogger(__name__)

FAULT_ENDINGS = {
    errors.ModelUnreachable: Ending.MODEL_AWAY,
    errors.ModelRefused: Ending.MODEL_REFUSED,
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
        logger.warning("Turn %s: %s", draft.turn.pk, fault)
        return FAULT_ENDINGS[type(fault)]
    except Exception:
        logger.exception("Turn %s met a fault of our own.", draft.turn.pk)
        return Ending.FAULT
    return draft.ended_by


async def draft_count(draft: Draft) -> None:
    """Have the model count what it wrote, where it did not report it. Chunks were counted until here."""
    reported = draft.usage and draft.usage.answer_tokens is not None
    if draft.tokens and not reported:
        # A server may put several tokens into a chunk; and words that were held back were generated too.
        draft.tokens = max(draft.tokens, await tokens_counted(draft.text) or 0)


async def _write(draft: Draft, prompt: Prompt, watch: Watch | None) -> None:
    gate, writer = OutputGate(), stream.Writer(draft.turn.pk)
    answer = answer_stream(
        messages=for_turn(prompt, draft.turn).messages,
        answer_tokens=draft.turn.answer_cap,
        request_id=str(draft.turn.pk),
    )
    async with writer, aclosing(answer) as pieces:
        async for piece in pieces:
            if isinstance(piece, Usage):
                draft.usage = piece
                break
            draft.tokens = piece.tokens
            text = gate.feed(piece.text)
            _say(draft, writer, await watch.let(text) if watch else text)
            if gate.is_cut or (watch and watch.has_ended):
                break
            if ending := _ending_of(writer.signals):
                draft.ended_by = ending
                return
        rest = gate.finish()
        if gate.is_cut:
            draft.cut_by = ending_of_cut(gate.verdict)
        elif watch:
            rest = await watch.let(rest, ended=True)
        _say(draft, writer, rest)


def _say(draft: Draft, writer: stream.Writer, text: str) -> None:
    if text and not draft.text:
        measures.turn_begun(draft.turn)
    draft.text += text
    writer.add(text, draft.tokens)


def _ending_of(signals: stream.Signals) -> Ending:
    if signals.stop:
        return Ending.ASKED
    return Ending.UNREAD if signals.unread else Ending.NONE


def outcome_of(draft: Draft, ending: Ending) -> Outcome:
    """What the turn came to. Reported usage is billed as reported; without it, what was counted here.

    Fixed words cost nobody anything, also where a model had begun before it was known that they are due.
    """
    if draft.asks_for:
        return Outcome(
            state=FIXED[action_for(draft.asks_for)],
            ending=Ending.NONE,
            answer="",
            verdict=draft.asks_for,
            prompt_tokens=0,
            answer_tokens=0,
        )
    usage = draft.usage or Usage(prompt_tokens=None, answer_tokens=None, reached_limit=False)
    # A model that never said a word has cost nothing that anybody can show.
    prompt_tokens = usage.prompt_tokens or (draft.turn.prompt_tokens if draft.tokens else 0)
    if draft.cut_by:
        state, ending = State.WITHHELD, draft.cut_by
    elif not ending:
        state, ending = State.ANSWERED, _end_of_answer(draft, usage)
    else:
        state = State.STOPPED if ending in {Ending.ASKED, Ending.UNREAD} else State.FAILED
    return Outcome(
        state=state,
        ending=ending,
        answer="" if draft.cut_by else draft.text.strip(),
        prompt_tokens=prompt_tokens,
        answer_tokens=usage.answer_tokens if usage.answer_tokens is not None else draft.tokens,
    )


def _end_of_answer(draft: Draft, usage: Usage) -> Ending:
    if draft.is_short:
        return Ending.CAREFUL
    return Ending.LIMIT if usage.reached_limit else Ending.NONE
