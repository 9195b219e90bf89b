"""An answer's page while it grows: finished blocks and the one that is being written.

It is rendered once for all readers of a turn. What is long is rendered on a thread of its own, one at a time, so that
the event loop goes on whatever a model writes.
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
from chat.streaming.markdown import find_block_starts, normalize_newlines, render_answer
from chat.streaming.store import parse_entry_id

# A block that is longer than this is shown as plain text until it ends. Whether it has ended is then looked for at
# whole steps only, and the more rarely the longer it is.
MAX_PARSED: Final = 6_000
STEP_LENGTH: Final = 1_000
# After an empty line a line that begins with one of these may still go on with the block above it.
_MAY_CONTINUE: Final = frozenset(" \t-+*0123456789")


@dataclass
class GrowingAnswer:
    """Takes in text and says which blocks are finished.

    A finished block never changes again, so a reader is sent each of them once; only the growing one is sent again
    as it grows. How the text is cut into pieces makes no difference to what is finished after it.
    """

    _finished: list[str] = field(default_factory=list)
    _growing: str = ""
    _length: int = 0
    _is_long: bool = False
    _look_at: int = 0
    # Whether a line has begun since it was last looked for finished blocks.
    _has_news: bool = False

    @property
    def text(self) -> str:
        return "".join(self._finished) + self._growing

    @property
    def growing_length(self) -> int:
        return len(self._growing)

    def grow(self, text: str) -> str:
        """Take in more text; returns the Markdown of the blocks that it finished, "" when none."""
        text = normalize_newlines(text)
        done = []
        while text:
            piece = text[: STEP_LENGTH - self._length % STEP_LENGTH]
            text = text[len(piece) :]
            # Within a line nothing begins.
            is_news = "\n" in piece or not self._growing or self._growing.endswith("\n")
            self._has_news = self._has_news or is_news
            self._length += len(piece)
            self._growing += piece
            is_step = self._length % STEP_LENGTH == 0
            if self._length >= self._look_at if is_step else not (text or self._is_long):
                done.append(self._take_finished())
            if is_step and self._length >= self._look_at:
                self._is_long = len(self._growing) > MAX_PARSED
                self._look_at = self._length + len(self._growing) // 4 if self._is_long else 0
        return "".join(done)

    @property
    def finished_html(self) -> SafeString:
        return mark_safe("".join(map(render_answer, self._finished)))  # noqa: S308 - each of them is safe

    @property
    def growing_html(self) -> SafeString:
        if self._is_long:
            return format_html('<p class="still-plain" dir="auto">{}</p>', self._growing)
        return render_answer(self._growing)

    def _take_finished(self) -> str:
        if not self._has_news:
            return ""
        self._has_news = False
        border = self._last_block_start()
        if not border:
            return ""
        done, self._growing = self._growing[:border], self._growing[border:]
        self._finished.append(done)
        return done

    def _last_block_start(self) -> int:
        """Where the block that grows begins. A last line that may still become something else is not looked at."""
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


# What is shorter costs less than handing it to a thread.
MAX_INLINE_LENGTH: Final = 800
# After a rendering a page rests for so many times what it took, and the more pages there are the longer: a dear one is
# made less often, and all of them together leave about half of the process to other requests.
REST_FACTOR: Final = 3.0
REST_FACTOR_PER_ANSWER: Final = 2.0
MAX_REST_SECONDS: Final = 1.0

type EntryOrder = tuple[int, int]
NO_ENTRY: Final[EntryOrder] = (0, 0)


@dataclass(frozen=True)
class AnswerGrowth:
    """What a reader has to be sent. With `begins_again` it replaces all that they have."""

    entry_id: str
    finished_html: str
    growing_html: str
    begins_again: bool


@dataclass(frozen=True)
class _RenderedAnswer:
    """A turn as it stands after an entry. Each run of finished blocks is kept with the entry that finished it."""

    entry_id: str = ""
    began_at: EntryOrder = NO_ENTRY
    finished: tuple[tuple[EntryOrder, str], ...] = ()
    growing_html: str = ""


class SharedAnswer:
    """A turn's page while it grows, fed and read by all who follow the turn in this process."""

    def __init__(self) -> None:
        self._newest: EntryOrder = NO_ENTRY
        self._pending: list[StreamEntry] = []
        self._rendered = _RenderedAnswer()
        self._rendering: asyncio.Task[None] | None = None
        self._rests_until = 0.0
        # Only the rendering itself touches these two, and there is one at a time.
        self._written = StreamedAnswer()
        self._page = GrowingAnswer()

    def add(self, entry: StreamEntry) -> None:
        """Take in an entry, once, whoever brings it. Readers bring all entries in order."""
        if (order := parse_entry_id(entry.id)) > self._newest:
            self._newest = order
            self._pending.append(entry)

    async def growth_after(self, sent_id: str, *, must_be_new: bool = False) -> AnswerGrowth | None:
        """Return what has grown since the entry `sent_id`, or None.

        While the page rests, that is what was rendered last, unless it `must_be_new`.
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
            # A reader who goes away meanwhile must not end it for the others.
            await asyncio.shield(rendering)
        page = self._rendered
        if parse_entry_id(page.entry_id) <= sent:
            return None
        begins_again = sent < page.began_at
        finished = "".join(html for order, html in page.finished if begins_again or order > sent)
        return AnswerGrowth(page.entry_id, finished, page.growing_html, begins_again)

    async def _render(self) -> None:
        entries, self._pending = self._pending, []
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            if self._page.growing_length + sum(len(entry.text) for entry in entries) <= MAX_INLINE_LENGTH:
                self._rendered = self._take(entries)
            else:
                self._rendered = await loop.run_in_executor(_get_executor(), self._take, entries)
        finally:
            times = max(REST_FACTOR, REST_FACTOR_PER_ANSWER * len(_shared_answers.get(loop, ())))
            self._rests_until = loop.time() + min(MAX_REST_SECONDS, times * (loop.time() - began))
            self._rendering = None

    def _take(self, entries: list[StreamEntry]) -> _RenderedAnswer:
        began_at, finished = self._rendered.began_at, list(self._rendered.finished)
        for entry in entries:
            text = entry.text
            if not self._written.add(entry):
                self._page, text = GrowingAnswer(), self._written.text
                began_at, finished = parse_entry_id(entry.id), []
            if done := self._page.grow(text):
                finished.append((parse_entry_id(entry.id), render_answer(done)))
        return _RenderedAnswer(entries[-1].id, began_at, tuple(finished), self._page.growing_html)


@cache
def _get_executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="rendering")


_shared_answers: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakValueDictionary[UUID, SharedAnswer]] = (
    WeakKeyDictionary()
)


def get_shared_answer(turn_id: UUID) -> SharedAnswer:
    """Return the page of a turn that is followed, which lives while one of its readers keeps it."""
    pages = _shared_answers.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    page = pages.get(turn_id)
    if page is None:
        pages[turn_id] = page = SharedAnswer()
    return page
