"""Reads the body of a request: not more than a limit, and not longer than a deadline.

What is refused goes through the middleware as a request without a body, so that the answer has the headers, the
language and the log line of any other.
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

# A browser shows the answer only once its form has been read. What is too large is read on, and thrown away, so far.
MAX_DISCARDED_BYTES = 12_000_000
BODY_SECONDS = 60.0
REJECTED_KEY = "kitchen_table.body_refused"


class BodyRejected(Exception):
    """A body that is not read to its end: `status` is 413 when it is too large and 408 when it takes too long."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


async def read_body(scope: Scope, receive: Receive) -> BytesIO:
    """Return the whole body, kept in memory.

    Raises BodyRefused, and RequestAborted when the sender goes away first. Sets the request's Content-Length to what
    was read: Django measures the forms that it parses by this header, and a chunked request has none.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _read(receive)
    except TimeoutError as fault:
        raise BodyRejected(HTTPStatus.REQUEST_TIMEOUT) from fault
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


def reject_body(scope: Scope, refusal: BodyRejected) -> None:
    """Mark a request as refused; its connection is closed, as part of its body may not have been read."""
    scope[REJECTED_KEY] = refusal.status
    lengths = (b"content-length", b"transfer-encoding")
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name.lower() not in lengths]


def rejected_body_middleware(get_response: Handler) -> Handler:
    """Answer a request whose body was refused, before anything asks for its form."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        status = getattr(request, "scope", {}).get(REJECTED_KEY)
        if status is None:
            return get_response(request)
        response = body_rejected(request, status)
        response.headers["Connection"] = "close"
        return response

    return middleware
