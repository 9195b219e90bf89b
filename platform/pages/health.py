"""Whether this process lives, and whether each part that it stands on answers."""

import asyncio
from collections.abc import Awaitable, Callable

from asgiref.sync import sync_to_async
from celery import current_app
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from inference.provider import check_provider
from kit.connections import release_connection
from kit.valkey import create_async_client

CHECK_SECONDS = 2.0


@never_cache
@require_safe
async def healthz(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
async def readyz(_request: HttpRequest) -> JsonResponse:
    """Each part by name, "ok" or the kind of its failure; 200 when all are ok, else 503."""
    checks = {"database": _database, "valkey": _valkey, "worker": _worker, "model": _model}
    said = await asyncio.gather(*(_outcome(check) for check in checks.values()))
    found = dict(zip(checks, said, strict=True))
    return JsonResponse(found, status=200 if set(said) == {"ok"} else 503)


async def _outcome(check: Callable[[], Awaitable[None]]) -> str:
    # The failure's kind is said and nothing else: an address or a password may stand in its message.
    try:
        await asyncio.wait_for(check(), CHECK_SECONDS)
    except TimeoutError:
        return "no answer"
    except Exception as fault:  # noqa: BLE001 - a part may fail in any way, and this page must tell of it
        return type(fault).__name__
    return "ok"


# Not on the request's own thread, which would wait for a database that hangs for longer than the check does.
@sync_to_async(thread_sensitive=False)
def _database() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        release_connection()


async def _valkey() -> None:
    async with create_async_client(seconds=CHECK_SECONDS) as client:
        await client.ping()


async def _model() -> None:
    await check_provider()


@sync_to_async(thread_sensitive=False)
def _worker() -> None:
    # `limit` ends the wait at the first reply instead of listening for the whole timeout.
    replies = current_app.control.broadcast("ping", reply=True, timeout=CHECK_SECONDS - 0.5, limit=1)
    if not replies:
        raise TimeoutError
