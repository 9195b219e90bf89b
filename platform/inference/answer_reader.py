"""Reads an answer from its chunks: text, thinking, usage, and how it ended."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, NamedTuple

from inference import errors, quirks
from inference.messages import AnswerDelta, TokenUsage
from inference.sse import EventReader
from inference.thinking import ThinkingFilter
from inference.tokens import MAX_BYTES_PER_TOKEN, estimate_piece_tokens

# JSON can contain NUL and lone surrogates. PostgreSQL rejects both, and one checkpoint saves many answers at once.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# A lower bound of the average over a whole answer.
MIN_CHARACTERS_PER_TOKEN = 2
HIGH_SURROGATES = ("\ud800", "\udbff")


class Chunk(NamedTuple):
    """The content of one chunk."""

    text: str
    thinking: str
    refusal: str
    finish_reason: str
    usage: TokenUsage | None


class AnswerReader:
    """Yields the AnswerDeltas of one answer and then its TokenUsage, even if it ends with an error.

    If the server exceeds `max_answer_tokens`, the answer is cut there.
    """

    def __init__(self, events: EventReader, *, max_answer_tokens: int, thinks_first: bool) -> None:
        self._events = events
        self._max_tokens = max_answer_tokens
        self.thinking = ThinkingFilter(thinks_first=thinks_first)
        self.finish_reason = ""
        self.has_text = False
        # Tokens generated so far: an estimate for billing if none are reported, a minimum to enforce the limit.
        self.tokens = 0
        self._min_tokens = 0
        self._length = 0
        self._usage: TokenUsage | None = None
        self._counted_by_usage = 0
        self._pending_surrogate = ""
        self._refused = False
        self._is_cut = False

    async def pieces(self) -> AsyncIterator[AnswerDelta | TokenUsage]:
        """Yield the deltas and the usage. Raises ModelError after the usage if the answer is incomplete."""
        error: errors.ModelError | None = None
        try:
            async for data in self._events.events():
                if delta := self._read_chunk(parse_chunk(data)):
                    yield delta
                if self._is_cut:
                    break
        except errors.ModelError as caught:
            error = caught
        if rest := self._read_rest():
            yield rest
        yield self.usage
        if error := error or self._find_error():
            raise error

    @property
    def usage(self) -> TokenUsage:
        """The usage that the server reported, plus the tokens generated after its last report."""
        has_reached_limit = self._is_cut or self.finish_reason in quirks.REACHED_LIMIT
        if self._usage is None:
            return TokenUsage(prompt_tokens=None, answer_tokens=None, has_reached_limit=has_reached_limit)
        answer = self._usage.answer_tokens
        if answer is not None:
            answer += self.tokens - self._counted_by_usage
        return replace(self._usage, answer_tokens=answer, has_reached_limit=has_reached_limit)

    def _read_chunk(self, chunk: Chunk) -> AnswerDelta | None:
        self.finish_reason = chunk.finish_reason or self.finish_reason
        self._refused |= bool(chunk.refusal)
        generated = chunk.text + chunk.thinking + chunk.refusal
        delta = None
        if generated:
            self._events.note_progress()
            if chunk.thinking:
                self.thinking.note_separate_thinking()
            likely, minimum = estimate_piece_tokens(generated)
            text = self._cut_to_limit(chunk.text, len(generated), minimum)
            self.tokens += likely
            delta = self._build_delta(self._join_surrogates(text))
        if chunk.usage:
            self._record_usage(chunk.usage)
        return delta

    def _cut_to_limit(self, text: str, length: int, minimum: int) -> str:
        """Return as much of the text as fits below the limit."""
        room = self._max_tokens - self._min_tokens
        self._min_tokens, self._length = self._min_tokens + minimum, self._length + length
        # Some servers send single characters, which are not tokens.
        if min(self._min_tokens, self._length // MIN_CHARACTERS_PER_TOKEN) <= self._max_tokens:
            return text
        self._is_cut = True
        return text[: max(room, 0) * MAX_BYTES_PER_TOKEN] if minimum > 1 else ""

    def _join_surrogates(self, text: str) -> str:
        """Return the text without a lone surrogate at its end, which is kept for the next piece."""
        if text.isascii() and not self._pending_surrogate:
            return text.replace("\0", "\ufffd")
        text = self._pending_surrogate + text
        self._pending_surrogate = ""
        if text and HIGH_SURROGATES[0] <= text[-1] <= HIGH_SURROGATES[1]:
            text, self._pending_surrogate = text[:-1], text[-1]
        return _clean_text(text)

    def _build_delta(self, text: str) -> AnswerDelta:
        split = self.thinking.feed(text)
        self.has_text = (self.has_text and not split.retracts) or bool(split.answer.strip())
        return AnswerDelta(split.answer, self.tokens, begins_again=split.retracts)

    def _record_usage(self, usage: TokenUsage) -> None:
        # Servers that report usage in every chunk report running totals: the last one that is not null counts.
        earlier = self._usage or usage
        self._usage = replace(
            usage,
            prompt_tokens=earlier.prompt_tokens if usage.prompt_tokens is None else usage.prompt_tokens,
            answer_tokens=earlier.answer_tokens if usage.answer_tokens is None else usage.answer_tokens,
        )
        if usage.answer_tokens is not None:
            self._counted_by_usage = self.tokens
            self.tokens = self._counted_by_usage = max(self.tokens, usage.answer_tokens)
            self._is_cut |= usage.answer_tokens > self._max_tokens and not self.finish_reason

    def _read_rest(self) -> AnswerDelta | None:
        split = self.thinking.finish(has_reached_limit=self.usage.has_reached_limit)
        text = split.answer + (_clean_text(self._pending_surrogate) if not split.thinking else "")
        self.has_text |= bool(text.strip())
        return AnswerDelta(text, self.tokens) if text else None

    def _find_error(self) -> errors.ModelError | None:
        if not self.finish_reason and not self._events.is_done and not self._is_cut:
            return errors.ModelUnreachable("the stream ended before the answer did")
        if self._refused:
            return errors.ModelRefused("a refusal")
        if error_class := quirks.FINISH_REASON_ERRORS.get(self.finish_reason):
            return error_class(self.finish_reason)
        if self.has_text:
            return None
        if self.usage.has_reached_limit and self.tokens:
            return errors.AnswerOnlyThinking()
        return errors.AnswerEmpty()


def parse_chunk(data: dict[str, Any]) -> Chunk:
    """Parse a chunk of a chat completion. Raises ModelResponseInvalid."""
    try:
        choices = data.get("choices") or [{}]
        choice = choices[0] or {}
        # A complete answer instead of a stream has a message. If a chunk has both, the message repeats the answer.
        delta = (choice.get("delta") if "delta" in choice else choice.get("message")) or {}
        content = delta.get("content")
        if len(delta) == 1 and isinstance(content, str):
            # The most common case: text only.
            return Chunk(
                content, "", "", _get_text(choice.get("finish_reason")).lower(), _get_usage(data, choice)
            )
        text, thinking = _split_content(content if "content" in delta else choice.get("text"))
        if _is_marked_as_thinking(delta):
            text, thinking = "", text
        return Chunk(
            text=text,
            thinking=thinking or _get_thinking(delta),
            refusal=_get_text(delta.get("refusal")),
            finish_reason=_get_text(choice.get("finish_reason")).lower(),
            usage=_get_usage(data, choice),
        )
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise errors.ModelResponseInvalid from error


def _split_content(content: object) -> tuple[str, str]:
    """Split a delta's content, which may be a list of parts, into text and thinking."""
    if not isinstance(content, list):
        return _get_text(content), ""
    text = thinking = ""
    for part in content:
        if isinstance(part, str):
            text += part
        elif part.get("type", "text") in {"text", "output_text"}:
            text += _get_text(part.get("text"))
        elif "thinking" in part:
            # Mistral nests parts.
            thinking += "".join(_split_content(part["thinking"]))
    return text, thinking


def _get_thinking(delta: dict[str, Any]) -> str:
    for name in quirks.THINKING_FIELDS:
        if isinstance(text := delta.get(name), str) and text:
            return text
    details = delta.get("reasoning_details")
    if not isinstance(details, list):
        return ""
    # OpenRouter: plain, summarized or encrypted.
    return "".join(
        _get_text(part.get("text") or part.get("summary") or part.get("data")) for part in details if part
    )


def _is_marked_as_thinking(delta: dict[str, Any]) -> bool:
    # Gemini.
    google = (delta.get("extra_content") or {}).get("google") or {}
    return bool(google.get("thought"))


def _get_usage(data: dict[str, Any], choice: dict[str, Any]) -> TokenUsage | None:
    # Moonshot puts usage in the choice; Groq also in a field of its own.
    used = data.get("usage") or choice.get("usage")
    if not used and "x_groq" in data:
        used = (data["x_groq"] or {}).get("usage")
    if not used:
        return None
    prompt = _parse_count(used.get("prompt_tokens"))
    answer = _count_generated(used, prompt)
    if not prompt and not answer:
        # An empty placeholder.
        return None
    return TokenUsage(
        prompt_tokens=prompt,
        answer_tokens=answer,
        has_reached_limit=False,
        cached_tokens=min(_count_cached(used), prompt or 0),
    )


def _count_generated(used: dict[str, Any], prompt: int | None) -> int | None:
    """Return all tokens that the model generated, including thinking, wherever the server counts it."""
    answer = _parse_count(used.get("completion_tokens"))
    if answer is None:
        return None
    details = used.get("completion_tokens_details") or {}
    reasoning = (
        _parse_count(details.get("reasoning_tokens")) or _parse_count(used.get("reasoning_tokens")) or 0
    )
    total = _parse_count(used.get("total_tokens"))
    if reasoning > answer:
        # More thinking than answer: the server counts them separately.
        answer += reasoning
    return max(answer, total - (prompt or 0)) if total is not None and prompt is not None else answer


def _count_cached(used: dict[str, Any]) -> int:
    details = used.get("prompt_tokens_details") or {}
    # OpenAI, vLLM and llama.cpp; DeepSeek; Moonshot.
    counts = (
        details.get("cached_tokens"),
        used.get("prompt_cache_hit_tokens"),
        used.get("cached_tokens"),
    )
    return next((count for reported in counts if (count := _parse_count(reported))), 0)


def _parse_count(value: object) -> int | None:
    # Anything else is ignored, and tokens are estimated instead.
    return value if type(value) is int and value >= 0 else None


def _get_text(value: object) -> str:
    if not isinstance(value, str | None):
        raise TypeError
    return value or ""


def _clean_text(text: str) -> str:
    """Join surrogate pairs and replace characters that PostgreSQL cannot store."""
    if not UNSTORABLE.search(text):
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return UNSTORABLE.sub("\ufffd", joined)
