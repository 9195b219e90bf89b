"""Reads request bodies, up to a size limit and a deadline.

A rejected request passes through the middleware without its body, so that the response has the same headers, language
and log line as any other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http import HTTPStatus
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestAborted
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from pages.error_pages import body_rejected

type Handler = Callable[[HttpRequest], HttpResponseBase]
type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Mapping[str, Any]]]

# Browsers show the response only after their form has been read, so a body that is too large is read and discarded.
MAX_DISCARDED_BYTES = 12_000_000
BODY_SECONDS = 60.0
REJECTED_KEY = "kitchen_table.body_rejected"


class BodyRejected(Exception):
    """A body was not read to its end. `status` is 413 if it is too large, 408 if it takes too long."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


async def read_body(scope: Scope, receive: Receive) -> BytesIO:
    """Return the whole body in memory.

    Raises BodyRejected, or RequestAborted if the client disconnects. Sets Content-Length to the size that was read:
    Django needs it to parse forms, and a chunked request has none.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _read(receive)
    except TimeoutError as error:
        raise BodyRejected(HTTPStatus.REQUEST_TIMEOUT) from error
    lengths = (b"content-length", b"transfer-encoding")
    headers = [(name, value) for name, value in scope["headers"] if name.lower() not in lengths]
    if len(headers) < len(scope["headers"]):
        headers.append((b"content-length", str(len(body)).encode()))
        scope["headers"] = headers
    return BytesIO(body)


async def _read(receive: Receive) -> bytearray:
    body, size = bytearray(), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestAborted
        part = message.get("body", b"")
        size += len(part)
        if size <= settings.MAX_BODY_BYTES:
            body += part
        else:
            body.clear()
        if size > MAX_DISCARDED_BYTES or not message.get("more_body", False):
            break
    if size > settings.MAX_BODY_BYTES:
        raise BodyRejected(HTTPStatus.CONTENT_TOO_LARGE)
    return body


def reject_body(scope: Scope, rejection: BodyRejected) -> None:
    """Mark a request as rejected. Its connection will be closed, as its body may be partly unread."""
    scope[REJECTED_KEY] = rejection.status
    lengths = (b"content-length", b"transfer-encoding")
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name.lower() not in lengths]


def rejected_body_middleware(get_response: Handler) -> Handler:
    """Answer a request whose body was rejected before other middleware reads its form."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        status = getattr(request, "scope", {}).get(REJECTED_KEY)
        if status is None:
            return get_response(request)
        response = body_rejected(request, status)
        response.headers["Connection"] = "close"
        return response

    return middleware
