"""One turn, from prompt to settled answer: the worker's whole walk.

    claim → prompt → model → output gate → stream → settle

The model is read by a coroutine on the process's one loop. The task's own thread waits beside it and writes
a checkpoint every second, so that neither the database nor a slow reader ever holds up a word.
"""

import asyncio
import logging
import time
from concurrent.futures import CancelledError
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from django.db import Error as DatabaseError

from chat import stream
from chat.connections import give_back
from chat.leases import Outcome, turn_checkpoint, turn_claim, turn_finish
from chat.models import Ending, State, Turn
from chat.prompt import Prompt, prompt_for
from chat.selectors import turns_shown
from courses.search import passages_of
from guard import OutputGate
from inference import errors, loop
from inference.provider import answer_stream
from inference.talk import Usage

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 1.0
# The first words go out at once, later ones together: a page cannot show more than this many a second.
FLUSH_SECONDS = 0.04
# No answer of 400 tokens takes this long on a model that anybody would want to read.
LONGEST_SECONDS = 300.0
# How long a finished answer waits for a database that is away before its worker lets it go.
FINISH_SECONDS = 30.0

FAULT_ENDINGS = {
    errors.ModelUnreachable: Ending.MODEL_AWAY,
    errors.ModelRefused: Ending.MODEL_REFUSED,
    errors.ModelSilent: Ending.MODEL_SILENT,
    errors.ModelGarbled: Ending.MODEL_GARBLED,
}


@dataclass
class Draft:
    """An answer while it is written: shared by the coroutine that writes it and the thread that keeps it."""

    text: str = ""
    tokens: int = 0
    usage: Usage | None = None
    is_cut: bool = False
    # Why somebody ended the writing from outside, if anybody did.
    ended_by: Ending = Ending.NONE


def turn_answer(*, turn_id: UUID) -> bool:
    """Answer a waiting turn. False when there is nothing to do: it was claimed before, is over, or is gone."""
    turn = turn_claim(turn_id=turn_id)
    if turn is None:
        return False
    passages = list(passages_of(turn.passages).values())
    prompt = prompt_for(turn.question, past=_past(turn), passages=passages, is_brief=turn.is_brief)
    # Kept now, so that a worker which dies in the middle leaves behind what its prompt cost.
    Turn.objects.filter(pk=turn.pk, claim=turn.claim).update(prompt_tokens=prompt.tokens_likely)
    draft = Draft()
    ending = _write_and_keep(turn, prompt, draft)
    _finish(turn, _outcome(prompt, draft, ending))
    return True


def _past(turn: Turn) -> list[Turn]:
    return list(turns_shown(turn.conversation).exclude(pk=turn.pk)) if turn.has_memory else []


def _write_and_keep(turn: Turn, prompt: Prompt, draft: Draft) -> Ending:
    """Write the draft to its end, checkpointing all the while; returns why it ended, NONE for a whole answer."""
    writing = loop.submit(_write(turn, prompt, draft))
    started = time.monotonic()
    while True:
        # The connection goes back to the pool while this thread waits.
        give_back()
        try:
            writing.result(timeout=CHECKPOINT_SECONDS)
        except TimeoutError:
            if ending := _keep(turn, draft, time.monotonic() - started):
                draft.ended_by = ending
                writing.cancel()
        except CancelledError:
            return draft.ended_by
        except errors.ModelFault as fault:
            logger.warning("Turn %s: %s", turn.pk, fault)
            return FAULT_ENDINGS[type(fault)]
        except Exception:
            logger.exception("Turn %s met a fault of our own.", turn.pk)
            return Ending.FAULT
        else:
            return draft.ended_by


def _keep(turn: Turn, draft: Draft, seconds: float) -> Ending:
    try:
        standing = turn_checkpoint(turn=turn, answer=draft.text, answer_tokens=draft.tokens)
    except DatabaseError:
        logger.warning("The database is away: turn %s goes on, its checkpoint waits.", turn.pk)
        return Ending.NONE
    if not standing.holds:
        return Ending.WORKER_LOST
    if standing.stop_asked:
        return Ending.ASKED
    return Ending.MODEL_SILENT if seconds > LONGEST_SECONDS else Ending.NONE


async def _write(turn: Turn, prompt: Prompt, draft: Draft) -> None:
    gate, writer, flushed = OutputGate(), stream.Writer(turn.pk), 0.0
    await writer.open()
    unsent = ""
    answer = answer_stream(messages=prompt.messages, answer_tokens=turn.answer_cap)
    async with aclosing(answer) as pieces:
        async for piece in pieces:
            if isinstance(piece, Usage):
                draft.usage = piece
                break
            draft.tokens = piece.tokens
            unsent += gate.feed(piece.text)
            if gate.is_cut:
                draft.is_cut = True
                break
            if unsent and (now := asyncio.get_running_loop().time()) - flushed >= FLUSH_SECONDS:
                draft.text, sending, unsent, flushed = draft.text + unsent, unsent, "", now
                if ending := _ending_of(await writer.send(sending, draft.tokens)):
                    draft.ended_by = ending
                    return
    unsent += gate.finish()
    draft.is_cut = gate.is_cut
    draft.text += unsent
    await writer.send(unsent, draft.tokens)


def _ending_of(signals: stream.Signals) -> Ending:
    if signals.stop:
        return Ending.ASKED
    return Ending.UNREAD if signals.unread else Ending.NONE


def _outcome(prompt: Prompt, draft: Draft, ending: Ending) -> Outcome:
    """What the turn came to. Reported usage is billed as reported; without it, what was counted here."""
    usage = draft.usage or Usage(prompt_tokens=None, answer_tokens=None, reached_limit=False)
    # A model that never said a word has cost nothing that anybody can show.
    prompt_tokens = usage.prompt_tokens or (prompt.tokens_likely if draft.tokens else 0)
    if draft.is_cut:
        state = State.WITHHELD
    elif not ending:
        state, ending = State.ANSWERED, Ending.LIMIT if usage.reached_limit else Ending.NONE
    else:
        state = State.STOPPED if ending in {Ending.ASKED, Ending.UNREAD} else State.FAILED
    return Outcome(
        state=state,
        ending=ending,
        answer="" if draft.is_cut else draft.text.strip(),
        prompt_tokens=prompt_tokens,
        answer_tokens=usage.answer_tokens if usage.answer_tokens is not None else draft.tokens,
    )


def _finish(turn: Turn, outcome: Outcome) -> None:
    """Write the outcome down, waiting for a database that is away for a while."""
    give_up_at = time.monotonic() + FINISH_SECONDS
    while True:
        try:
            turn_finish(turn=turn, outcome=outcome)
        except DatabaseError:
            if time.monotonic() > give_up_at:
                raise
            logger.warning("The database is away: the answer of turn %s waits.", turn.pk)
            give_back()
            time.sleep(0.5)
        else:
            return
