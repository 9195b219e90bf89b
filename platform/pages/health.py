"""Health checks: whether this process is alive, and whether the services that it needs answer."""

import asyncio
from collections.abc import Awaitable

from asgiref.sync import sync_to_async
from celery import current_app
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from inference.provider import check_provider
from kit.connections import release_connection
from kit.valkey import create_async_client
from routing.models import TutorModel
from routing.registry import list_models

CHECK_SECONDS = 2.0


@never_cache
@require_safe
async def healthz(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
async def readyz(_request: HttpRequest) -> JsonResponse:
    """Return the status of each service: "ok", "no answer" or an exception's name. 200 if all are ok, else 503."""
    results, model = await asyncio.gather(check_services(), run_check(_model()))
    results["model"] = model
    return JsonResponse(results, status=200 if set(results.values()) == {"ok"} else 503)


async def check_services() -> dict[str, str]:
    """Return the status of the database, of Valkey and of the worker, as `run_check` does."""
    checks = {"database": _database(), "valkey": _valkey(), "worker": _worker()}
    statuses = await asyncio.gather(*(run_check(check) for check in checks.values()))
    return dict(zip(checks, statuses, strict=True))


async def run_check(check: Awaitable[None]) -> str:
    """Return "ok", "no answer" after CHECK_SECONDS, or the name of the exception that the check raised."""
    # Only the exception's name: its message could contain an address or a password.
    try:
        await asyncio.wait_for(check, CHECK_SECONDS)
    except TimeoutError:
        return "no answer"
    except Exception as error:  # noqa: BLE001 - a service can fail in any way, and this page reports it
        return type(error).__name__
    return "ok"


# Not on the request's thread, which would wait longer than the check for a database that hangs.
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


@sync_to_async(thread_sensitive=False)
def _list_models() -> list[TutorModel]:
    try:
        return list_models()
    finally:
        release_connection()


async def _model() -> None:
    """Raise the last model's error unless at least one model answers."""
    models = await _list_models()
    if not models:
        raise TimeoutError
    checks = [asyncio.create_task(check_provider(model.endpoint)) for model in models]
    try:
        for answered in asyncio.as_completed(checks):
            try:
                await answered
            except Exception as error:  # noqa: BLE001 - another model may still answer
                failure = error
            else:
                return
        raise failure
    finally:
        for check in checks:
            check.cancel()


@sync_to_async(thread_sensitive=False)
def _worker() -> None:
    # `limit=1` returns at the first reply instead of after the whole timeout.
    replies = current_app.control.broadcast("ping", reply=True, timeout=CHECK_SECONDS - 0.5, limit=1)
    if not replies:
        raise TimeoutError
