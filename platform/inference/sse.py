"""Reads server-sent events from bytes as they come, as servers really write them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from inference.error_mapping import map_event_error
from inference.errors import ModelResponseInvalid, ModelTimeout, ModelUnreachable

# In bytes. A chunk that carries one token is some hundreds of them.
MAX_LINE_BYTES = 1_000_000
# A server that only says that it lives is waited for this many times as long as one that says nothing.
ALIVE_FOR = 2


class EventReader:
    """Yields the JSON objects of one stream. `is_done` says in the end whether the server said so.

    Beside proper events it takes `data:` lines without an empty line between them, one object over several of them, and
    a body that is one JSON object. Raises ModelSilent, ModelUnreachable, ModelGarbled, and what an error in the stream
    stands for.
    """

    def __init__(self, chunks: AsyncIterator[bytes], *, first: float, following: float, began: float) -> None:
        self._chunks = chunks
        self._following = following
        self._patience = first
        self._heard_at = began
        self._loop = asyncio.get_running_loop()
        self._unread = b""
        # What may be the beginning of an object that goes on in the next `data:` line.
        self._partial = b""
        # All lines until the first event: the body may be no stream.
        self._body: list[bytes] | None = []
        self._body_size = 0
        self.is_done = False

    def heard(self) -> None:
        """A word has come: from now on the shorter patience counts, from this moment."""
        self._patience = self._following
        self._heard_at = self._loop.time()

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        while True:
            chunk = await self._chunk()
            lines = (self._unread + (b"\n\n" if chunk is None else chunk)).split(b"\n")
            self._unread = lines.pop()
            if len(self._unread) + len(self._partial) > MAX_LINE_BYTES:
                raise ModelResponseInvalid
            for line in lines:
                data = self._event(line)
                if data is not None:
                    yield data
                if self.is_done:
                    return
            if chunk is None:
                if (data := self._whole()) is not None:
                    yield data
                return

    async def _chunk(self) -> bytes | None:
        # Bytes as they come, and not the client's lines: its layers cost more for each token than all that follows.
        waited = self._loop.time() - self._heard_at
        limit = ALIVE_FOR * self._patience - waited
        try:
            return await asyncio.wait_for(anext(self._chunks, None), min(self._patience, max(limit, 0)))
        except TimeoutError as fault:
            raise ModelTimeout from fault
        except Exception as fault:
            # Each transport has errors of its own for a connection that breaks while the body is read.
            raise ModelUnreachable from fault

    def _event(self, line: bytes) -> dict[str, Any] | None:
        if line.startswith(b"data:"):
            self._body = None
            payload = line[5:].strip()
            if payload == b"[DONE]" and not self._partial:
                self.is_done = True
                return None
            return self._parsed(payload)
        if self._partial and not line.strip():
            # An empty line ends an event, and this one is no JSON.
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

    def _parsed(self, payload: bytes) -> dict[str, Any] | None:
        if not payload:
            return None
        whole = self._partial + b"\n" + payload if self._partial else payload
        try:
            data = json.loads(whole)
        except ValueError:
            self._partial = whole
            return None
        self._partial = b""
        return _raise_event_error(data)

    def _whole(self) -> dict[str, Any] | None:
        """The body as one JSON object, where it was no stream at all."""
        body = b"\n".join(self._body or []).strip().removeprefix(b"\xef\xbb\xbf")
        if not body:
            return None
        self.is_done = True
        return _parse_object(body)


def _parse_object(payload: bytes) -> dict[str, Any]:
    try:
        return _raise_event_error(json.loads(payload))
    except ValueError as fault:
        raise ModelResponseInvalid from fault


def _raise_event_error(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ModelResponseInvalid
    if error := data.get("error"):
        raise map_event_error(error)
    if data.get("object") == "error":
        # vLLM, before 2026.
        raise map_event_error(data)
    return data
