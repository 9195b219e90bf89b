"""Renders an answer while it grows, as finished blocks and one growing block.

An answer is rendered once for all its readers. Long text is rendered on a separate thread, one at a time, so that it
never blocks the event loop.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary, WeakValueDictionary

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from chat.streaming import StreamedAnswer, StreamEntry
from chat.streaming.valkey_stream import parse_entry_id
from markup.markdown import find_block_starts, normalize_newlines, render_answer

# In characters. A longer block is shown as plain text until it ends.
MAX_PARSED_LENGTH: Final = 6_000
# In characters. In a long block, the search for its end runs only where the text's length is a multiple of this, less
# often the longer the block is.
STEP_LENGTH: Final = 1_000
# After an empty line, a line that begins with one of these may still continue the block above it.
_MAY_CONTINUE: Final = frozenset(" \t-+*0123456789")


@dataclass
class GrowingAnswer:
    """Collects text and splits it into finished blocks and a growing one.

    A finished block never changes, so readers get each of them once; only the growing block is sent again. The result
    does not depend on how the text is cut into pieces.
    """

    _finished: list[str] = field(default_factory=list)
    _growing: str = ""
    _length: int = 0
    _is_long: bool = False
    # While the block is long, its end is searched for again at this length of the whole text, in characters.
    _next_search_at: int = 0
    # Whether a line has begun since the last search for finished blocks.
    _has_new_line: bool = False

    @property
    def text(self) -> str:
        return "".join(self._finished) + self._growing

    @property
    def growing_length(self) -> int:
        """The length of the last block, which may still change, in characters."""
        return len(self._growing)

    def grow(self, text: str) -> str:
        """Add text. Returns the Markdown of the blocks that it finished, or ""."""
        text = normalize_newlines(text)
        done = []
        while text:
            piece = text[: STEP_LENGTH - self._length % STEP_LENGTH]
            text = text[len(piece) :]
            # No block begins within a line.
            begins_line = "\n" in piece or not self._growing or self._growing.endswith("\n")
            self._has_new_line = self._has_new_line or begins_line
            self._length += len(piece)
            self._growing += piece
            is_step = self._length % STEP_LENGTH == 0
            reaches_search = is_step and self._length >= self._next_search_at
            ends_short_block = not is_step and not text and not self._is_long
            if reaches_search or ends_short_block:
                done.append(self._split_finished())
            if reaches_search:
                self._is_long = len(self._growing) > MAX_PARSED_LENGTH
                self._next_search_at = self._length + len(self._growing) // 4 if self._is_long else 0
        return "".join(done)

    @property
    def finished_html(self) -> SafeString:
        return mark_safe("".join(map(render_answer, self._finished)))  # noqa: S308 - each of them is safe

    @property
    def growing_html(self) -> SafeString:
        if self._is_long:
            return format_html('<p class="still-plain" dir="auto">{}</p>', self._growing)
        return render_answer(self._growing)

    def _split_finished(self) -> str:
        if not self._has_new_line:
            return ""
        self._has_new_line = False
        split_at = self._find_last_block()
        if not split_at:
            return ""
        done, self._growing = self._growing[:split_at], self._growing[split_at:]
        self._finished.append(done)
        return done

    def _find_last_block(self) -> int:
        """Return where the growing block begins. A last line that may still change its meaning is ignored."""
        lines, _, last = self._growing.rpartition("\n")
        if not lines:
            return 0
        seen = self._growing
        if not last or last[0] in _MAY_CONTINUE or not lines.endswith("\n"):
            seen = lines
        starts = find_block_starts(seen)
        if len(starts) < 2:  # noqa: PLR2004
            return 0
        return sum(len(line) + 1 for line in seen.split("\n")[: starts[-1]])


# In characters. Rendering shorter text costs less than handing it to a thread.
MAX_INLINE_LENGTH: Final = 800
# After rendering, an answer rests for this many times the duration, and longer the more answers there are: expensive
# ones are rendered less often, and all together leave about half of the process to other requests.
REST_FACTOR: Final = 3.0
REST_FACTOR_PER_ANSWER: Final = 2.0
MAX_REST_SECONDS: Final = 1.0

type EntryOrder = tuple[int, int]
NO_ENTRY: Final[EntryOrder] = (0, 0)


@dataclass(frozen=True)
class AnswerGrowth:
    """The HTML to send to a reader. With `begins_again` it replaces everything they have."""

    entry_id: str
    finished_html: str
    growing_html: str
    begins_again: bool


@dataclass(frozen=True)
class _RenderedAnswer:
    """An answer after an entry. Each run of finished blocks is stored with the entry that finished it."""

    entry_id: str = ""
    began_at: EntryOrder = NO_ENTRY
    finished: tuple[tuple[EntryOrder, str], ...] = ()
    growing_html: str = ""


class SharedAnswer:
    """A growing answer, shared by all readers of the turn in this process."""

    def __init__(self) -> None:
        self._newest: EntryOrder = NO_ENTRY
        self._pending: list[StreamEntry] = []
        self._rendered = _RenderedAnswer()
        self._rendering: asyncio.Task[None] | None = None
        self._rests_until = 0.0
        # Only the rendering uses these two, and only one runs at a time.
        self._written = StreamedAnswer()
        self._growing_answer = GrowingAnswer()

    def add(self, entry: StreamEntry) -> None:
        """Add an entry, unless another reader has added it. Each reader adds all entries in order."""
        if (order := parse_entry_id(entry.id)) > self._newest:
            self._newest = order
            self._pending.append(entry)

    async def get_growth_after(self, sent_id: str, *, must_be_new: bool = False) -> AnswerGrowth | None:
        """Return what has grown since the entry `sent_id`, or None.

        While the answer rests, the last rendering is used, unless `must_be_new`.
        """
        sent = parse_entry_id(sent_id)
        if self._newest <= sent:
            return None
        loop = asyncio.get_running_loop()
        while (rendering := self._rendering) or (
            self._pending and (must_be_new or loop.time() >= self._rests_until)
        ):
            if rendering is None:
                self._rendering = rendering = loop.create_task(self._render())
                must_be_new = False
            # A reader who leaves must not cancel the rendering for the others.
            await asyncio.shield(rendering)
        rendered = self._rendered
        if parse_entry_id(rendered.entry_id) <= sent:
            return None
        begins_again = sent < rendered.began_at
        finished = "".join(html for order, html in rendered.finished if begins_again or order > sent)
        return AnswerGrowth(rendered.entry_id, finished, rendered.growing_html, begins_again)

    async def _render(self) -> None:
        entries, self._pending = self._pending, []
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            if (
                self._growing_answer.growing_length + sum(len(entry.text) for entry in entries)
                <= MAX_INLINE_LENGTH
            ):
                self._rendered = self._render_entries(entries)
            else:
                self._rendered = await loop.run_in_executor(_get_executor(), self._render_entries, entries)
        finally:
            factor = max(REST_FACTOR, REST_FACTOR_PER_ANSWER * len(_shared_answers.get(loop, ())))
            self._rests_until = loop.time() + min(MAX_REST_SECONDS, factor * (loop.time() - began))
            self._rendering = None

    def _render_entries(self, entries: list[StreamEntry]) -> _RenderedAnswer:
        began_at, finished = self._rendered.began_at, list(self._rendered.finished)
        for entry in entries:
            text = entry.text
            is_continued = self._written.add(entry)
            if not is_continued:
                self._growing_answer, text = GrowingAnswer(), self._written.text
                began_at, finished = parse_entry_id(entry.id), []
            if done := self._growing_answer.grow(text):
                finished.append((parse_entry_id(entry.id), render_answer(done)))
        return _RenderedAnswer(entries[-1].id, began_at, tuple(finished), self._growing_answer.growing_html)


@cache
def _get_executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="rendering")


_shared_answers: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakValueDictionary[UUID, SharedAnswer]] = (
    WeakKeyDictionary()
)


def get_shared_answer(turn_id: UUID) -> SharedAnswer:
    """Return the shared answer of a turn. It lives as long as a reader holds it. Needs a running event loop."""
    answers = _shared_answers.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    answer = answers.get(turn_id)
    if answer is None:
        answers[turn_id] = answer = SharedAnswer()
    return answer
