"""How far the answers have grown that pages of this process follow: rendered once for all readers of a turn.

What is long is rendered on a thread of its own, one at a time, so that the event loop goes on whatever a model writes.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary, WeakValueDictionary

from chat.streaming import Entry, Written
from chat.streaming.entries import id_order
from chat.streaming.rendering import GrowingPage, answer_html

# What is shorter costs less than handing it to a thread.
INLINE: Final = 800
# After a rendering a page rests for so many times what it took, and the more pages there are the longer: a dear one is
# made less often, and all of them together leave about half of the process to other requests.
REST: Final = 3.0
REST_PER_PAGE: Final = 2.0
MAX_REST_SECONDS: Final = 1.0

type Order = tuple[int, int]
NEVER: Final[Order] = (0, 0)


@dataclass(frozen=True)
class Growth:
    """What a reader has to be sent. With `begins_again` it replaces all that they have."""

    entry_id: str
    finished_html: str
    growing_html: str
    begins_again: bool


@dataclass(frozen=True)
class _Rendered:
    """A turn as it stands after an entry. Each run of finished blocks is kept with the entry that finished it."""

    entry_id: str = ""
    began_at: Order = NEVER
    finished: tuple[tuple[Order, str], ...] = ()
    growing_html: str = ""


class SharedPage:
    """A turn's page while it grows, fed and read by all who follow the turn in this process."""

    def __init__(self) -> None:
        self._newest: Order = NEVER
        self._pending: list[Entry] = []
        self._rendered = _Rendered()
        self._rendering: asyncio.Task[None] | None = None
        self._rests_until = 0.0
        # Only the rendering itself touches these two, and there is one at a time.
        self._written = Written()
        self._page = GrowingPage()

    def add(self, entry: Entry) -> None:
        """Take in an entry, once, whoever brings it. Readers bring all entries in order."""
        if (order := id_order(entry.id)) > self._newest:
            self._newest = order
            self._pending.append(entry)

    async def growth_after(self, sent_id: str, *, must_be_new: bool = False) -> Growth | None:
        """Return what has grown since the entry `sent_id`, or None.

        While the page rests, that is what was rendered last, unless it `must_be_new`.
        """
        sent = id_order(sent_id)
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
        if id_order(page.entry_id) <= sent:
            return None
        begins_again = sent < page.began_at
        finished = "".join(html for order, html in page.finished if begins_again or order > sent)
        return Growth(page.entry_id, finished, page.growing_html, begins_again)

    async def _render(self) -> None:
        entries, self._pending = self._pending, []
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            if self._page.growing_length + sum(len(entry.text) for entry in entries) <= INLINE:
                self._rendered = self._take(entries)
            else:
                self._rendered = await loop.run_in_executor(_thread(), self._take, entries)
        finally:
            times = max(REST, REST_PER_PAGE * len(_pages.get(loop, ())))
            self._rests_until = loop.time() + min(MAX_REST_SECONDS, times * (loop.time() - began))
            self._rendering = None

    def _take(self, entries: list[Entry]) -> _Rendered:
        began_at, finished = self._rendered.began_at, list(self._rendered.finished)
        for entry in entries:
            text = entry.text
            if not self._written.add(entry):
                self._page, text = GrowingPage(), self._written.text
                began_at, finished = id_order(entry.id), []
            if done := self._page.grow(text):
                finished.append((id_order(entry.id), answer_html(done)))
        return _Rendered(entries[-1].id, began_at, tuple(finished), self._page.growing_html)


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="rendering")


_pages: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakValueDictionary[UUID, SharedPage]] = (
    WeakKeyDictionary()
)


def shared_page(turn_id: UUID) -> SharedPage:
    """Return the page of a turn that is followed, which lives while one of its readers keeps it."""
    pages = _pages.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    page = pages.get(turn_id)
    if page is None:
        pages[turn_id] = page = SharedPage()
    return page
