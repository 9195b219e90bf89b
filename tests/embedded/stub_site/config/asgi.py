"""Two pages: whether the process runs, and whether the worker answers."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from config.celery import app

type Message = MutableMapping[str, Any]


async def application(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = "ok"
    if scope["path"] == "/readyz":
        replies = await asyncio.to_thread(app.control.ping, timeout=0.3, limit=1)
        body = json.dumps({"worker": "ok" if replies else "no answer"})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body.encode()})
