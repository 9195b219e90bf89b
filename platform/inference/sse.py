"""Parses server-sent events as servers really write them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from inference.error_mapping import map_event_error
from inference.errors import ModelResponseInvalid, ModelTimeout, ModelUnreachable

# A chunk with one token has a few hundred bytes.
MAX_LINE_BYTES = 1_000_000
# A server that sends only keep-alives gets this many times the timeout of a silent one.
KEEP_ALIVE_FACTOR = 2


class EventReader:
    """Yields the JSON objects of one stream. `is_done` is whether the server ended it with `[DONE]`.

    Also accepts `data:` lines without an empty line between them, one object on several lines, and a body that is a
    single JSON object. `first` and `following` are the timeouts of the first and later tokens, in seconds. Raises
    ModelTimeout, ModelUnreachable, ModelResponseInvalid, and the error that the stream reports.
    """

    def __init__(self, chunks: AsyncIterator[bytes], *, first: float, following: float, began: float) -> None:
        self._chunks = chunks
        self._following = following
        self._timeout = first
        self._progress_at = began
        self._loop = asyncio.get_running_loop()
        self._unread = b""
        # The beginning of an object that may continue in the next `data:` line.
        self._partial = b""
        # All lines until the first event, in case the body is not a stream.
        self._body: list[bytes] | None = []
        self._body_size = 0
        self.is_done = False

    def note_progress(self) -> None:
        """Restart the timeout after a token, with the value for later tokens."""
        self._timeout = self._following
        self._progress_at = self._loop.time()

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the JSON objects of a stream.

        Raises ModelResponseInvalid for a line that is too long or is not JSON.
        """
        while True:
            chunk = await self._read_chunk()
            lines = (self._unread + (b"\n\n" if chunk is None else chunk)).split(b"\n")
            self._unread = lines.pop()
            if len(self._unread) + len(self._partial) > MAX_LINE_BYTES:
                raise ModelResponseInvalid
            for line in lines:
                data = self._parse_line(line)
                if data is not None:
                    yield data
                if self.is_done:
                    return
            if chunk is None:
                if (data := self._parse_whole_body()) is not None:
                    yield data
                return

    async def _read_chunk(self) -> bytes | None:
        # Raw bytes: the client's line iterator takes more time per token than everything else.
        waited = self._loop.time() - self._progress_at
        limit = KEEP_ALIVE_FACTOR * self._timeout - waited
        try:
            return await asyncio.wait_for(anext(self._chunks, None), min(self._timeout, max(limit, 0)))
        except TimeoutError as error:
            raise ModelTimeout from error
        except Exception as error:
            # Each transport has its own exceptions for a lost connection.
            raise ModelUnreachable from error

    def _parse_line(self, line: bytes) -> dict[str, Any] | None:
        if line.startswith(b"data:"):
            self._body = None
            payload = line[5:].strip()
            if payload == b"[DONE]" and not self._partial:
                self.is_done = True
                return None
            return self._parse_payload(payload)
        if self._partial and not line.strip():
            # An empty line ends the event, which is not JSON.
            raise ModelResponseInvalid
        if line.startswith(b"error:"):
            # llama.cpp, before 2026.
            raise map_event_error(_parse_object(line[6:]).get("error", _parse_object(line[6:])))
        if self._body is not None and not line.startswith((b":", b"event:", b"id:", b"retry:")):
            self._body.append(line)
            self._body_size += len(line) + 1
            if self._body_size > MAX_LINE_BYTES:
                raise ModelResponseInvalid
        return None

    def _parse_payload(self, payload: bytes) -> dict[str, Any] | None:
        if not payload:
            return None
        joined = self._partial + b"\n" + payload if self._partial else payload
        try:
            data = json.loads(joined)
        except ValueError:
            self._partial = joined
            return None
        self._partial = b""
        return _raise_event_error(data)

    def _parse_whole_body(self) -> dict[str, Any] | None:
        """Parse the whole body as one JSON object, if it was not a stream."""
        body = b"\n".join(self._body or []).strip().removeprefix(b"\xef\xbb\xbf")
        if not body:
            return None
        self.is_done = True
        return _parse_object(body)


def _parse_object(payload: bytes) -> dict[str, Any]:
    try:
        return _raise_event_error(json.loads(payload))
    except ValueError as error:
        raise ModelResponseInvalid from error


def _raise_event_error(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ModelResponseInvalid
    if error := data.get("error"):
        raise map_event_error(error)
    if data.get("object") == "error":
        # vLLM, before 2026.
        raise map_event_error(data)
    return data
