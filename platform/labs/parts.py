"""Sends the answers of a run to its page while they are written, as lines of JSON that labs.js reads.

A thread of its own completes the run and settles its cost, whether or not the page still listens.
"""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from threading import Lock, Thread
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import translation

from kit.connections import release_connection
from labs.checks import UnfinishedAnswer
from labs.lab import Lab

logger = logging.getLogger(__name__)

# The first words are sent at once, and after them a few times a second what has come since.
PART_SECONDS = 0.25
# While a run waits for its turn, an empty line keeps proxies from closing the connection.
KEEPALIVE_SECONDS = 10.0
KEEPALIVE = b"\n"


class PartStream:
    """The lines of one run. The run's thread adds them, and the page's event loop reads them."""

    def __init__(self, lab: Lab, given: Mapping[str, Any], *, is_ordinary: bool) -> None:
        self._lab = lab
        self._question = given["question"]
        self._is_ordinary = is_ordinary
        self._answers: dict[int, UnfinishedAnswer] = {}
        self._sent_at: dict[int, float] = {}
        self._lock = Lock()
        self._lines: deque[bytes] = deque()
        self._has_ended = False
        self._wake: Callable[[], object] = lambda: None

    def start(self, finish: "Callable[[PartStream], str]") -> None:
        """Complete the run on a new thread. `finish` returns the outcome, the last line."""
        language = translation.get_language()

        def run() -> None:
            try:
                with translation.override(language):
                    self.send_outcome(finish(self))
            except Exception:
                # Without a last outcome the page says that it lost the connection.
                logger.exception("A run of the lab %s failed.", self._lab.slug)
            finally:
                release_connection()
                self._end()

        Thread(target=run, name="lab-run", daemon=True).start()

    def send_part(self, number: int, text: str) -> None:
        """Send an answer so far, as far as it may be shown."""
        if number not in self._answers:
            self._answers[number] = UnfinishedAnswer(self._question, is_ordinary=self._is_ordinary)
        shown = self._answers[number].release(text)
        now = time.monotonic()
        if shown and now - self._sent_at.get(number, 0.0) >= PART_SECONDS:
            self._sent_at[number] = now
            self._add({"part": number, "html": self._lab.build_part(shown)})

    def send_outcome(self, html: str) -> None:
        """Send what the page shows below its form."""
        self._add({"outcome": html})

    def _add(self, line: Mapping[str, Any]) -> None:
        with self._lock:
            self._lines.append(f"{json.dumps(line)}\n".encode())
            self._wake()

    def _end(self) -> None:
        with self._lock:
            self._has_ended = True
            self._wake()

    async def list_lines(self) -> AsyncGenerator[bytes]:
        """Yield the lines as they come, until the run has ended. For one reader."""
        loop, news = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            self._wake = lambda: loop.call_soon_threadsafe(news.set)
        try:
            while True:
                with self._lock:
                    news.clear()
                    lines, has_ended = b"".join(self._lines), self._has_ended
                    self._lines.clear()
                if lines:
                    yield lines
                if has_ended:
                    return
                try:
                    await asyncio.wait_for(news.wait(), KEEPALIVE_SECONDS)
                except TimeoutError:
                    yield KEEPALIVE
        finally:
            with self._lock:
                self._wake = lambda: None


def build_parts_response(stream: PartStream) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        stream.list_lines(),
        content_type="application/x-ndjson",
        headers={"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"},
    )
