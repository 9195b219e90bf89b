"""Between the server's loop and Django: every request in one piece, on one thread (ADR 23).

Django's own handler goes to a thread and back for each middleware, signal and view, and begins a thread for each
request. Under a rush that took more of the processor than the pages themselves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import BytesIO
from ipaddress import ip_address
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.core.signals import request_started
from django.db import close_old_connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix
from servestatic.middleware import ServeStaticMiddleware

from config.startup import load_for_web
from pages.request_bodies import BodyRejected, read_body, reject_body

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Mapping[str, Any]]]
type Send = Callable[[Mapping[str, Any]], Awaitable[None]]

# More of them would fight for the interpreter: a rush was answered no faster with 16, and its first words came later.
THREADS = 8
# What must answer when every one of those threads waits for a database that hangs, on threads of its own: whoever asks
# whether the parts answer waits as well, and must not stand in the way of help.
RESERVED_THREADS = {"/help/": 4, "/healthz": 1, "/readyz": 2}
UNKNOWN_CLIENT = ("0.0.0.0", 0)  # noqa: S104 - nothing listens there


def replace_unparsable_client(scope: Scope) -> None:
    """Replace a client that is no address: it is taken from X-Forwarded-For, where a proxy may pass on anything.

    All such clients share one address, and with it the limits of one.
    """
    host, _port = scope.get("client") or ("", 0)
    try:
        ip_address(host)
    except ValueError:
        scope["client"] = UNKNOWN_CLIENT


class Handler(ASGIHandler):
    """Static files on the loop, everything else on a thread of a small pool."""

    def __init__(self) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")
        self._threads_apart = {
            path: ThreadPoolExecutor(threads, thread_name_prefix=path.strip("/"))
            for path, threads in RESERVED_THREADS.items()
        }
        self._static = ServeStaticMiddleware(self._on_thread)

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001, FBT002 - Django's own
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"Only HTTP is spoken here, not {scope['type']}.")
        replace_unparsable_client(scope)
        try:
            body = await read_body(scope, receive)
        except RequestAborted:
            return
        except BodyRejected as refusal:
            reject_body(scope, refusal)
            body = BytesIO()
        with closing(body):
            await self._answer(scope, body, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Get ready before the server listens: it does not start where that fails, and health is not asked before."""
        await receive()
        try:
            await asyncio.to_thread(load_for_web)
        except Exception as fault:  # noqa: BLE001 - the server tells of it, and ends
            await send({"type": "lifespan.startup.failed", "message": f"{type(fault).__name__}: {fault}"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, body: IO[bytes], receive: Receive, send: Send) -> None:
        request, refusal = self.create_request(scope, body)
        response = refusal if request is None else await self._static(request)
        assert response is not None  # noqa: S101 - one of the two is there; this tells the types
        try:
            if response.streaming:
                await self._stream(response, receive, send)
            else:
                await self.send_response(response, send)
        finally:
            if not response.closed:
                await sync_to_async(response.close, thread_sensitive=False)()

    async def _stream(self, response: HttpResponseBase, receive: Receive, send: Send) -> None:
        """Send a response that may take minutes, for as long as somebody is there."""
        sending = asyncio.create_task(self.send_response(response, send))
        leaving = asyncio.ensure_future(receive())
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            sending.cancel()
            await asyncio.wait({sending, leaving})
        if not sending.cancelled():
            sending.result()

    async def _on_thread(self, request: ASGIRequest) -> HttpResponseBase:
        apart = (threads for path, threads in self._threads_apart.items() if request.path.startswith(path))
        threads = next(apart, self._threads)
        respond = sync_to_async(self._respond, thread_sensitive=False, executor=threads)
        return await respond(request)

    def _respond(self, request: HttpRequest) -> HttpResponseBase:
        assert isinstance(request, ASGIRequest)  # noqa: S101 - made above
        set_script_prefix(get_script_prefix(request.scope))
        request_started.send(sender=self.__class__, scope=request.scope)
        try:
            response = self.get_response(request)
            if not response.streaming:
                response.close()
            return response
        finally:
            # Also of what goes on streaming: the connection belongs to the thread, and the thread to the next request.
            close_old_connections()
