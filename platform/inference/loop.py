"""The event loop of a worker process, on a thread of its own.

Celery has no asyncio pool; its thread tasks hand their coroutines to this loop, so that every model
stream of a process shares one client, one connection pool and one selector (docs/adr/0003).
"""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any

import uvloop

from kit.lazy import load_once


@load_once
def _loop() -> asyncio.AbstractEventLoop:
    loop = uvloop.new_event_loop()
    threading.Thread(target=loop.run_forever, name="inference-loop", daemon=True).start()
    return loop


def submit[T](coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Run `coroutine` on the loop. Cancelling the future cancels the coroutine, which closes its stream."""
    return asyncio.run_coroutine_threadsafe(coroutine, _loop())
