"""The ASGI handler: runs each request from start to end on one thread (ADR 23).

Django's own handler switches to a thread and back for each middleware, signal and view, and starts a thread for each
request. Under load that took more CPU time than the pages.
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

# More threads compete for the interpreter: with 16, throughput was the same and first tokens came later.
THREADS = 8
# Paths with threads of their own, which must answer even if all other threads wait for a database that hangs. Help is
# separate from health checks, which wait too.
RESERVED_THREADS = {"/help/": 4, "/healthz": 1, "/readyz": 2}
UNKNOWN_CLIENT = ("0.0.0.0", 0)  # noqa: S104 - nothing listens there


def replace_unparsable_client(scope: Scope) -> None:
    """Replace a client address that cannot be parsed. A proxy may pass on any X-Forwarded-For.

    All such clients share one address, and with it one set of rate limits.
    """
    host, _port = scope.get("client") or ("", 0)
    try:
        ip_address(host)
    except ValueError:
        scope["client"] = UNKNOWN_CLIENT


class Handler(ASGIHandler):
    """Serves static files on the event loop and everything else on a small thread pool."""

    def __init__(self) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")
        self._reserved_threads = {
            path: ThreadPoolExecutor(threads, thread_name_prefix=path.strip("/"))
            for path, threads in RESERVED_THREADS.items()
        }
        self._static = ServeStaticMiddleware(self._run_on_thread)

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001, FBT002 - Django's own
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"Only HTTP is supported, not {scope['type']}.")
        replace_unparsable_client(scope)
        try:
            body = await read_body(scope, receive)
        except RequestAborted:
            return
        except BodyRejected as rejection:
            reject_body(scope, rejection)
            body = BytesIO()
        with closing(body):
            await self._answer(scope, body, receive, send)

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        """Load before the server listens; the server does not start if that fails."""
        await receive()
        try:
            await asyncio.to_thread(load_for_web)
        except Exception as error:  # noqa: BLE001 - the server reports it and exits
            await send({"type": "lifespan.startup.failed", "message": f"{type(error).__name__}: {error}"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, body: IO[bytes], receive: Receive, send: Send) -> None:
        request, error_response = self.create_request(scope, body)
        response = error_response if request is None else await self._static(request)
        assert response is not None  # noqa: S101 - for the type checker: one of the two is set
        try:
            if response.streaming:
                await self._stream(response, receive, send)
            else:
                await self.send_response(response, send)
        finally:
            if not response.closed:
                await sync_to_async(response.close, thread_sensitive=False)()

    async def _stream(self, response: HttpResponseBase, receive: Receive, send: Send) -> None:
        """Send a streamed response until it ends or the client disconnects."""
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

    async def _run_on_thread(self, request: ASGIRequest) -> HttpResponseBase:
        reserved = (
            threads for path, threads in self._reserved_threads.items() if request.path.startswith(path)
        )
        threads = next(reserved, self._threads)
        respond = sync_to_async(self._respond, thread_sensitive=False, executor=threads)
        return await respond(request)

    def _respond(self, request: HttpRequest) -> HttpResponseBase:
        assert isinstance(request, ASGIRequest)  # noqa: S101 - created above
        set_script_prefix(get_script_prefix(request.scope))
        request_started.send(sender=self.__class__, scope=request.scope)
        try:
            response = self.get_response(request)
            if not response.streaming:
                response.close()
            return response
        finally:
            # Even if the response streams on: the thread takes the next request.
            close_old_connections()
