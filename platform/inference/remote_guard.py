"""Asks a guard elsewhere for its verdict on a text. What is sent and what it means: guard.remote.

A guard that fails is left alone for a while, so that a dead one does not cost every answer its patience.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from django.conf import settings

from kit.lazy import lazy_module

if TYPE_CHECKING:
    import openai
else:
    openai = lazy_module("openai")

# So many failures after one another, and it is left alone for so long. One question then tries it again.
MAX_FAILURES = 3
RECOVERY_SECONDS = 30.0


class RemoteGuardUnavailable(Exception):
    """The guard did not answer, or not in time."""


class CircuitBreaker:
    """Says whether a guard may be asked, after what came of asking it before."""

    def __init__(self) -> None:
        self.failures = 0
        self.rests_until = 0.0

    def allows_request(self) -> bool:
        """Whether to ask now. After a rest this lets one question through, and rests until it is answered."""
        now = time.monotonic()
        if now < self.rests_until:
            return False
        if self.failures >= MAX_FAILURES:
            self.rests_until = now + RECOVERY_SECONDS
        return True

    def record_success(self) -> None:
        self.failures, self.rests_until = 0, 0.0

    def record_failure(self) -> None:
        self.failures += 1
        if self.failures >= MAX_FAILURES:
            self.rests_until = time.monotonic() + RECOVERY_SECONDS


breaker = CircuitBreaker()
_clients: "WeakKeyDictionary[asyncio.AbstractEventLoop, openai.AsyncOpenAI]" = WeakKeyDictionary()


def _client() -> "openai.AsyncOpenAI":
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = openai.AsyncOpenAI(
            base_url=settings.GUARD_BASE_URL,
            api_key=settings.GUARD_API_KEY,
            max_retries=0,
            http_client=openai.DefaultAioHttpClient(),
        )
    return _clients[loop]


async def ask_remote_guard(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The guard's answer to `body`, as JSON. Raises NoOpinion within GUARD_TIMEOUT_SECONDS.

    Whoever can read it says so to the breaker.
    """
    if not breaker.allows_request():
        raise RemoteGuardUnavailable("it failed lately")
    try:
        # The client's own limit is for each step of a request; this one is for all of it.
        async with asyncio.timeout(settings.GUARD_TIMEOUT_SECONDS):
            reply = await _client().post(path, cast_to=object, body=body)
    except (openai.OpenAIError, TimeoutError, ValueError) as fault:
        breaker.record_failure()
        raise RemoteGuardUnavailable(type(fault).__name__) from fault
    if not isinstance(reply, dict):
        breaker.record_failure()
        raise RemoteGuardUnavailable("no JSON object")
    return reply
