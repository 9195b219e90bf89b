"""Writes one answer: from the model, through the output gate, onto the stream."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import aclosing
from datetime import timedelta

from django.utils import timezone

from chat import streaming
from chat.answering.release import AnswerInProgress, AnswerRelease, TextCounts
from chat.answering.remote_gate import RemoteGate
from chat.memory.notes import NoteCandidate
from chat.method.reading import FollowUp
from chat.models import EndReason, TurnState
from chat.prompt import Prompt, PromptPart, defuse_marks
from chat.turns.outcomes import Outcome, choose_turn_notes
from chat.turns.verdicts import FIXED_STATES
from guard import action_for
from inference import errors
from inference.endpoints import Endpoint
from inference.location import has_remote_guard
from inference.messages import TokenUsage
from inference.provider import count_tokens, stream_answer
from inference.repetition import RepetitionDetector
from inference.tokens import TOKENS_PER_MESSAGE, estimate_max_tokens

logger = logging.getLogger(__name__)

# The states of turns that later prompts may carry.
READABLE_STATES = {TurnState.ANSWERED, TurnState.STOPPED}
# The mark and the end of a note's line.
NOTE_LINE_TOKENS = 3
# A model that is already loaded sends something sooner than this.
LOADING_AFTER_SECONDS = 8.0

END_REASON_BY_ERROR = {
    errors.ModelUnreachable: EndReason.MODEL_UNREACHABLE,
    errors.ModelBusy: EndReason.MODEL_BUSY,
    errors.ModelMisconfigured: EndReason.MODEL_ERROR,
    errors.QuotaExceeded: EndReason.MODEL_QUOTA,
    errors.PromptTooLong: EndReason.TOO_LONG,
    errors.ModelRefused: EndReason.MODEL_REFUSED,
    errors.AnswerFiltered: EndReason.FILTERED,
    errors.AnswerEmpty: EndReason.MODEL_EMPTY,
    errors.AnswerOnlyThinking: EndReason.ONLY_THINKING,
    errors.ModelTimeout: EndReason.MODEL_SILENT,
    errors.ModelResponseInvalid: EndReason.MODEL_GARBLED,
}


async def write_answer(answer: AnswerInProgress, prompt: Prompt) -> EndReason:
    """Write an answer to its end. Returns why it ended; NONE for a whole answer.

    A failure of the model becomes an end reason. Raises asyncio.CancelledError if the task is cancelled without
    `ended_by`.
    """
    answer.prompt = prompt
    if answer.turn.asks_for_quiz and FollowUp.QUIZ not in prompt.profile.follow_up_instructions:
        # The model cannot write one, so it is not asked (chat.answering.quizzes).
        return EndReason.NONE
    is_read_outside = has_remote_guard() and not answer.turn.skips_remote_guard
    remote = RemoteGate.for_prompt(prompt) if is_read_outside else None
    if not remote:
        return await _write_or_fail(answer, prompt, None)
    async with remote:
        try:
            end_reason = await _write_or_fail(answer, prompt, remote)
            await remote.await_question_verdict()
        except asyncio.CancelledError:
            if not answer.ended_by:
                raise
            end_reason = answer.ended_by
            await remote.await_question_verdict()
        # A person in danger gets the card even if the answer was cut, stopped, empty or failed.
        answer.apply_remote_verdict(remote)
    return end_reason


async def _write_or_fail(answer: AnswerInProgress, prompt: Prompt, remote: RemoteGate | None) -> EndReason:
    try:
        await _write(answer, prompt, remote)
    except errors.ModelError as error:
        return _handle_error(answer, error)
    except Exception:
        logger.exception("Unexpected error in turn %s.", answer.turn.pk)
        return EndReason.INTERNAL_ERROR
    return answer.ended_by


def _handle_error(answer: AnswerInProgress, error: errors.ModelError) -> EndReason:
    logger.log(logging.ERROR if error.needs_admin else logging.WARNING, "Turn %s: %s", answer.turn.pk, error)
    if error.withholds_answer:
        answer.text = ""
    if error.retry_after is not None:
        answer.retry_at = timezone.now() + timedelta(seconds=error.retry_after)
    return END_REASON_BY_ERROR[type(error)]


async def count_answer_tokens(answer: AnswerInProgress) -> None:
    """Have the model's server count the answer's tokens if it reported none. Before that, the count is an estimate."""
    reported = answer.usage and answer.usage.answer_tokens is not None
    if answer.tokens and not reported:
        # A chunk may hold several tokens, and text that the gate held back was generated too.
        counted = max(answer.tokens, await count_tokens(answer.endpoint, answer.text) or 0)
        # The model stopped at this limit, so a higher count is only an estimate.
        answer.tokens = min(counted, answer.turn.max_answer_tokens)


# The counts of instructions, which are the same for every question to a model in a language.
_instruction_counts: dict[tuple[Endpoint, str], int | None] = {}


async def count_texts(answer: AnswerInProgress) -> None:
    """Have the model's server count the texts of a prompt whose size the asker and later prompts have to know."""
    if answer.prompt is None or not answer.tokens:
        return
    prompt, endpoint = answer.prompt, answer.endpoint
    key = endpoint, prompt.instructions
    if key not in _instruction_counts:
        _instruction_counts[key] = await count_tokens(endpoint, prompt.instructions)
    notes = "".join(message["content"] for message in prompt.note_messages)
    texts = [
        prompt.question,
        *([notes] if notes else []),
        *(note.text for note in choose_turn_notes(answer.turn)),
    ]
    counts = await asyncio.gather(*(count_tokens(endpoint, text) for text in texts))
    question, following = counts[0], counts[1:]
    answer.counts = TextCounts(
        instructions=_instruction_counts[key],
        notes=following[0] if notes else None,
        question=question,
        new_notes=following[1:] if notes else following,
    )


async def _write(answer: AnswerInProgress, prompt: Prompt, remote: RemoteGate | None) -> None:
    writer, late_error = streaming.StreamWriter(answer.turn.pk), None
    stream = stream_answer(
        endpoint=answer.endpoint,
        messages=prompt.messages,
        max_answer_tokens=answer.turn.max_answer_tokens,
        request_id=str(answer.turn.pk),
        fields=prompt.profile.request_fields,
    )
    async with writer, aclosing(stream) as pieces:
        repetition = RepetitionDetector() if prompt.profile.ends_repetition else None
        release = AnswerRelease(answer, writer, remote, repetition, prompt.profile.drops_unfinished_sentence)
        loading_timer = asyncio.get_running_loop().call_later(
            LOADING_AFTER_SECONDS, release.tell_phase, streaming.ModelPhase.LOADING
        )
        try:
            await release.follow(pieces)
        except errors.ModelError as error:
            if error.withholds_answer:
                raise
            # The text that is still held back was written before the error: judge and keep it.
            late_error = error
        except asyncio.CancelledError:
            if answer.ended_by:
                await release.judge_shown()
            raise
        finally:
            loading_timer.cancel()
        if answer.ended_by:
            await release.judge_shown()
        else:
            await release.finish()
    if late_error:
        raise late_error


def build_outcome(answer: AnswerInProgress, end_reason: EndReason) -> Outcome:
    """Return the outcome of a turn. Usage is billed as reported by the server, or else as counted here.

    Fixed texts and failures cost the person nothing; the site pays for what the model generated.
    """
    usage = answer.usage or TokenUsage(prompt_tokens=None, answer_tokens=None, has_reached_limit=False)
    parts = _count_parts(answer)
    # If the model never sent a word, there is no evidence of any cost.
    prompt_tokens = usage.prompt_tokens or (_count_prompt(answer, parts) if answer.tokens else 0)
    if answer.question_verdict:
        state, end_reason = FIXED_STATES[action_for(answer.question_verdict)], EndReason.NONE
    elif answer.cut_by:
        state, end_reason = TurnState.CUT, answer.cut_by
    elif not end_reason:
        state, end_reason = TurnState.ANSWERED, _find_answer_end_reason(answer, usage)
    else:
        state = (
            TurnState.STOPPED
            if end_reason in {EndReason.STOPPED_BY_ASKER, EndReason.UNREAD}
            else TurnState.FAILED
        )
    text = "" if answer.cut_by or answer.question_verdict else answer.judged_text.strip()
    return Outcome(
        state=state,
        end_reason=end_reason,
        answer=text,
        verdict=answer.question_verdict,
        prompt_tokens=prompt_tokens,
        cached_tokens=usage.cached_tokens,
        prompt_parts=fit_parts(parts, prompt_tokens),
        carried_tokens=_count_carried_tokens(answer, usage) if state in READABLE_STATES else None,
        # An answer that broke off is carried as well.
        notes=_list_new_notes(answer) if text else (),
        prices=answer.turn.prices,
        answer_tokens=usage.answer_tokens if usage.answer_tokens is not None else answer.tokens,
        retry_at=answer.retry_at,
    )


def _count_parts(answer: AnswerInProgress) -> dict[str, int]:
    """Return the prompt's tokens by part: counted where the model's server counts, or else estimated."""
    if answer.prompt is None:
        return dict(answer.turn.prompt_parts)
    parts, counts = answer.prompt.estimate_parts(), answer.counts
    if counts:
        for part, count, messages in (
            (PromptPart.INSTRUCTIONS, counts.instructions, 1),
            (PromptPart.NOTES, counts.notes, 2),
            (PromptPart.QUESTION, counts.question, 1),
        ):
            if count is not None:
                parts[part] = count + messages * TOKENS_PER_MESSAGE
    return parts


def _count_prompt(answer: AnswerInProgress, parts: Mapping[str, int]) -> int:
    """Return the prompt's tokens without a report of the server: counted text by text, or else estimated."""
    is_counted = answer.counts is not None and answer.counts.question is not None
    return sum(parts.values()) if is_counted else answer.turn.prompt_tokens


def fit_parts(parts: Mapping[str, int], total: int) -> dict[str, int]:
    """Return the parts scaled so that they add up to `total`, the tokens that the server counted."""
    estimated = sum(parts.values())
    if not estimated:
        return {}
    fitted = {part: tokens * total // estimated for part, tokens in parts.items()}
    fitted[PromptPart.QUESTION] += total - sum(fitted.values())
    return fitted


def _count_carried_tokens(answer: AnswerInProgress, usage: TokenUsage) -> int | None:
    """Return how many tokens a later prompt needs for this question and answer; None if that is unknown."""
    if answer.counts is None or answer.counts.question is None:
        return None
    reported = usage.answer_tokens if usage.answer_tokens is not None else answer.tokens
    # Thinking is not carried, and counts in what the server reports.
    carried = min(
        reported + TOKENS_PER_MESSAGE, estimate_max_tokens(defuse_marks(answer.judged_text.strip()))
    )
    return answer.counts.question + TOKENS_PER_MESSAGE + carried


def _list_new_notes(answer: AnswerInProgress) -> list[tuple[NoteCandidate, int]]:
    notes = choose_turn_notes(answer.turn)
    counts = answer.counts.new_notes if answer.counts else [None for _note in notes]
    return [
        (note, estimate_max_tokens(note.text) if count is None else count + NOTE_LINE_TOKENS)
        for note, count in zip(notes, counts, strict=True)
    ]


def _find_answer_end_reason(answer: AnswerInProgress, usage: TokenUsage) -> EndReason:
    if answer.is_short:
        return EndReason.NO_REMOTE_GUARD
    return EndReason.LENGTH_LIMIT if usage.has_reached_limit else EndReason.NONE
