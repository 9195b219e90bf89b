"""Writes a whole answer for a lab, on the event loop: no stream to a page, and no turn."""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from uuid import uuid4

from chat.prompt_profiles import PROMPT_PROFILES
from inference.messages import AnswerDelta, ChatMessage, TokenUsage
from inference.provider import stream_answer
from inference.repetition import RepetitionDetector
from inference.tokens import estimate_max_tokens
from labs.call_queue import answers
from labs.lab import TellPart
from labs.runs import complete_usage
from routing.models import TutorModel


@dataclass(frozen=True)
class WrittenAnswer:
    text: str
    usage: TokenUsage


def estimate_max_prompt_tokens(messages: Sequence[ChatMessage]) -> int:
    """Return an upper bound of the tokens of a prompt."""
    return sum(estimate_max_tokens(message["content"]) for message in messages)


async def write_answer(
    model: TutorModel, messages: Sequence[ChatMessage], *, tokens: int, number: int, tell_part: TellPart
) -> WrittenAnswer:
    """Write an answer of at most `tokens`, sampled and bounded as the tutor's. Raises ModelError.

    `number` is its place among the answers of the run. While many people run labs, it waits for its turn.
    """
    async with answers.place(number):
        return await _write(model, messages, tokens, lambda text: tell_part(number, text))


async def _write(
    model: TutorModel, messages: Sequence[ChatMessage], tokens: int, tell: Callable[[str], None]
) -> WrittenAnswer:
    profile = PROMPT_PROFILES[model.prompt_profile]
    repetition = RepetitionDetector()
    text, counted, usage, length = "", 0, None, None
    stream = stream_answer(
        endpoint=model.endpoint,
        messages=messages,
        max_answer_tokens=tokens,
        request_id=str(uuid4()),
        fields=profile.request_fields,
    )
    async with aclosing(stream) as pieces:
        async for piece in pieces:
            if isinstance(piece, TokenUsage):
                usage = piece
                break
            text, counted = _append(text, piece), piece.tokens
            tell(text)
            if profile.ends_repetition and (length := repetition.feed(piece.text)) is not None:
                break
    prompt = "".join(message["content"] for message in messages)
    if usage is None:
        usage = TokenUsage(prompt_tokens=None, answer_tokens=counted, has_reached_limit=False)
    if length is None and usage.has_reached_limit and profile.drops_unfinished_sentence:
        length = repetition.get_last_end() or None
    return WrittenAnswer(text[:length].strip(), complete_usage(usage, prompt=prompt, answer=text))


def _append(text: str, piece: AnswerDelta) -> str:
    return piece.text if piece.begins_again else text + piece.text
