"""Reads an answer from its chunks: what of it is words and what thinking, what it used, and how it ended."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, NamedTuple

from inference import errors, quirks
from inference.messages import AnswerDelta, TokenUsage
from inference.sse import EventReader
from inference.thinking import ThinkingFilter
from inference.tokens import MAX_BYTES_PER_TOKEN, estimate_piece_tokens

# JSON can spell a NUL and half of a character. PostgreSQL takes neither, and one checkpoint keeps many answers.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# Of an answer as a whole.
MIN_CHARACTERS_PER_TOKEN = 2
HIGH_SURROGATES = ("\ud800", "\udbff")


class Chunk(NamedTuple):
    """What one chunk holds."""

    text: str
    thought: str
    refusal: str
    finish: str
    usage: TokenUsage | None


class AnswerReader:
    """Yields the Words of one answer, and then its Usage, also where it ends in a fault.

    `cap` is how many tokens it may have; where the server goes on beyond it, the answer ends there.
    """

    def __init__(self, events: EventReader, *, cap: int, thinks_first: bool) -> None:
        self._events = events
        self._cap = cap
        self.thinking = ThinkingFilter(thinks_first=thinks_first)
        self.finish = ""
        self.has_text = False
        # Generated so far: as likely, for billing where nothing is reported; and at least, to enforce the cap.
        self.tokens = 0
        self._least = 0
        self._length = 0
        self._usage: TokenUsage | None = None
        self._counted_by_usage = 0
        self._half = ""
        self._refused = False
        self._is_cut = False

    async def pieces(self) -> AsyncIterator[AnswerDelta | TokenUsage]:
        """Raises a ModelFault after the Usage, where the answer is not whole."""
        fault: errors.ModelError | None = None
        try:
            async for data in self._events.events():
                if words := self._words(parse_chunk(data)):
                    yield words
                if self._is_cut:
                    break
        except errors.ModelError as raised:
            fault = raised
        if rest := self._rest():
            yield rest
        yield self.usage
        if fault := fault or self._fault():
            raise fault

    @property
    def usage(self) -> TokenUsage:
        """What was reported, and what was generated after the last report."""
        reached_limit = self._is_cut or self.finish in quirks.REACHED_LIMIT
        if self._usage is None:
            return TokenUsage(prompt_tokens=None, answer_tokens=None, reached_limit=reached_limit)
        answer = self._usage.answer_tokens
        if answer is not None:
            answer += self.tokens - self._counted_by_usage
        return replace(self._usage, answer_tokens=answer, reached_limit=reached_limit)

    def _words(self, chunk: Chunk) -> AnswerDelta | None:
        self.finish = chunk.finish or self.finish
        self._refused |= bool(chunk.refusal)
        generated = chunk.text + chunk.thought + chunk.refusal
        found = None
        if generated:
            self._events.heard()
            if chunk.thought:
                self.thinking.note_thought()
            likely, least = estimate_piece_tokens(generated)
            text = self._within_cap(chunk.text, len(generated), least)
            self.tokens += likely
            found = self._told(self._whole_characters(text))
        if chunk.usage:
            self._report(chunk.usage)
        return found

    def _within_cap(self, text: str, length: int, least: int) -> str:
        """What of the text the answer has room for."""
        room = self._cap - self._least
        self._least, self._length = self._least + least, self._length + length
        # Some servers send letter by letter: their pieces are no tokens.
        if min(self._least, self._length // MIN_CHARACTERS_PER_TOKEN) <= self._cap:
            return text
        self._is_cut = True
        return text[: max(room, 0) * MAX_BYTES_PER_TOKEN] if least > 1 else ""

    def _whole_characters(self, text: str) -> str:
        """The text without half of a character at its end, which waits for the next piece."""
        if text.isascii() and not self._half:
            return text.replace("\0", "\ufffd")
        text = self._half + text
        self._half = ""
        if text and HIGH_SURROGATES[0] <= text[-1] <= HIGH_SURROGATES[1]:
            text, self._half = text[:-1], text[-1]
        return _clean_text(text)

    def _told(self, text: str) -> AnswerDelta:
        split = self.thinking.feed(text)
        self.has_text = (self.has_text and not split.retracts) or bool(split.answer.strip())
        return AnswerDelta(split.answer, self.tokens, begins_again=split.retracts)

    def _report(self, usage: TokenUsage) -> None:
        # Servers that report in every chunk report the sum so far, so the last one counts; one that is null does not.
        former = self._usage or usage
        self._usage = replace(
            usage,
            prompt_tokens=former.prompt_tokens if usage.prompt_tokens is None else usage.prompt_tokens,
            answer_tokens=former.answer_tokens if usage.answer_tokens is None else usage.answer_tokens,
        )
        if usage.answer_tokens is not None:
            self._counted_by_usage = self.tokens
            self.tokens = self._counted_by_usage = max(self.tokens, usage.answer_tokens)
            self._is_cut |= usage.answer_tokens > self._cap and not self.finish

    def _rest(self) -> AnswerDelta | None:
        split = self.thinking.finish(reached_limit=self.usage.reached_limit)
        text = split.answer + (_clean_text(self._half) if not split.thought else "")
        self.has_text |= bool(text.strip())
        return AnswerDelta(text, self.tokens) if text else None

    def _fault(self) -> errors.ModelError | None:
        if not self.finish and not self._events.is_done and not self._is_cut:
            return errors.ModelUnreachable("the stream ended before the answer did")
        if self._refused:
            return errors.ModelRefused("a refusal")
        if kind := quirks.FINISH_REASON_ERRORS.get(self.finish):
            return kind(self.finish)
        if self.has_text:
            return None
        if self.usage.reached_limit and self.tokens:
            return errors.AnswerOnlyThinking()
        return errors.AnswerEmpty()


def parse_chunk(data: dict[str, Any]) -> Chunk:
    """Raises ModelGarbled for what is no chunk of a chat completion."""
    try:
        choices = data.get("choices") or [{}]
        choice = choices[0] or {}
        # A whole answer in place of a stream has a message. Where a chunk has both, the message repeats the answer.
        delta = (choice.get("delta") if "delta" in choice else choice.get("message")) or {}
        content = delta.get("content")
        if len(delta) == 1 and isinstance(content, str):
            # Most chunks: a word and nothing else.
            return Chunk(
                content, "", "", _get_text(choice.get("finish_reason")).lower(), _get_usage(data, choice)
            )
        text, thought = _split_content(content if "content" in delta else choice.get("text"))
        if _is_marked_as_thinking(delta):
            text, thought = "", text
        return Chunk(
            text=text,
            thought=thought or _get_thinking(delta),
            refusal=_get_text(delta.get("refusal")),
            finish=_get_text(choice.get("finish_reason")).lower(),
            usage=_get_usage(data, choice),
        )
    except (AttributeError, IndexError, KeyError, TypeError) as fault:
        raise errors.ModelResponseInvalid from fault


def _split_content(found: object) -> tuple[str, str]:
    """The text and the thinking of a delta's content, which may be a list of parts."""
    if not isinstance(found, list):
        return _get_text(found), ""
    text = thought = ""
    for part in found:
        if isinstance(part, str):
            text += part
        elif part.get("type", "text") in {"text", "output_text"}:
            text += _get_text(part.get("text"))
        elif "thinking" in part:
            # Mistral: parts within a part.
            thought += "".join(_split_content(part["thinking"]))
    return text, thought


def _get_thinking(delta: dict[str, Any]) -> str:
    for name in quirks.THOUGHT_FIELDS:
        if isinstance(told := delta.get(name), str) and told:
            return told
    details = delta.get("reasoning_details")
    if not isinstance(details, list):
        return ""
    # OpenRouter: readable, summarised or encrypted.
    return "".join(
        _get_text(part.get("text") or part.get("summary") or part.get("data")) for part in details if part
    )


def _is_marked_as_thinking(delta: dict[str, Any]) -> bool:
    # Gemini.
    google = (delta.get("extra_content") or {}).get("google") or {}
    return bool(google.get("thought"))


def _get_usage(data: dict[str, Any], choice: dict[str, Any]) -> TokenUsage | None:
    # Moonshot reports within the choice, Groq also in a field of its own.
    used = data.get("usage") or choice.get("usage")
    if not used and "x_groq" in data:
        used = (data["x_groq"] or {}).get("usage")
    if not used:
        return None
    prompt = _parse_count(used.get("prompt_tokens"))
    answer = _count_generated(used, prompt)
    if not prompt and not answer:
        # A form that was left empty.
        return None
    return TokenUsage(
        prompt_tokens=prompt,
        answer_tokens=answer,
        reached_limit=False,
        cached_tokens=min(_count_cached(used), prompt or 0),
    )


def _count_generated(used: dict[str, Any], prompt: int | None) -> int | None:
    """All tokens that the model made, its thinking among them, wherever the server counts that."""
    answer = _parse_count(used.get("completion_tokens"))
    if answer is None:
        return None
    details = used.get("completion_tokens_details") or {}
    reasoning = (
        _parse_count(details.get("reasoning_tokens")) or _parse_count(used.get("reasoning_tokens")) or 0
    )
    total = _parse_count(used.get("total_tokens"))
    if reasoning > answer:
        # More of it than of the whole: it stands beside the answer and not inside.
        answer += reasoning
    return max(answer, total - (prompt or 0)) if total is not None and prompt is not None else answer


def _count_cached(used: dict[str, Any]) -> int:
    details = used.get("prompt_tokens_details") or {}
    # OpenAI, vLLM and llama.cpp; DeepSeek; Moonshot.
    told = (
        details.get("cached_tokens"),
        used.get("prompt_cache_hit_tokens"),
        used.get("cached_tokens"),
    )
    return next((count for one in told if (count := _parse_count(one))), 0)


def _parse_count(found: object) -> int | None:
    # What is no number of tokens cannot be billed: then they are counted here.
    return found if type(found) is int and found >= 0 else None


def _get_text(found: object) -> str:
    if not isinstance(found, str | None):
        raise TypeError
    return found or ""


def _clean_text(text: str) -> str:
    """The text with the halves of characters put together, and without what no database takes."""
    if not UNSTORABLE.search(text):
        return text
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return UNSTORABLE.sub("\ufffd", whole)
