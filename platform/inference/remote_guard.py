"""Sends requests to the remote guard. guard.remote builds them and parses the replies.

After repeated failures a circuit breaker skips the guard for a while, so that answers do not wait for a dead one.
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

# After this many failures in a row, the guard is skipped for this long. Then one request tries it again.
MAX_FAILURES = 3
RECOVERY_SECONDS = 30.0


class RemoteGuardUnavailable(Exception):
    """The remote guard did not answer in time, or not with JSON."""


class CircuitBreaker:
    """Stops requests to a guard that keeps failing."""

    def __init__(self) -> None:
        self.failures = 0
        self.open_until = 0.0

    def allows_request(self) -> bool:
        """Return whether to send a request now. After a pause, allows one and blocks others until it succeeds."""
        now = time.monotonic()
        if now < self.open_until:
            return False
        if self.failures >= MAX_FAILURES:
            self.open_until = now + RECOVERY_SECONDS
        return True

    def record_success(self) -> None:
        self.failures, self.open_until = 0, 0.0

    def record_failure(self) -> None:
        self.failures += 1
        if self.failures >= MAX_FAILURES:
            self.open_until = time.monotonic() + RECOVERY_SECONDS


breaker = CircuitBreaker()
_clients: "WeakKeyDictionary[asyncio.AbstractEventLoop, openai.AsyncOpenAI]" = WeakKeyDictionary()


def _client() -> "openai.AsyncOpenAI":
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = openai.AsyncOpenAI(
            base_url=settings.GUARD_BASE_URL,
            api_key=settings.GUARD_API_KEY,
            max_retries=0,
            # A redirect could lead elsewhere, with the question and the key.
            http_client=openai.DefaultAioHttpClient(follow_redirects=False),
        )
    return _clients[loop]


async def ask_remote_guard(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Post `body` to the guard and return its JSON. Raises RemoteGuardUnavailable within GUARD_TIMEOUT_SECONDS.

    The caller reports to the breaker whether it could parse the reply.
    """
    if not breaker.allows_request():
        raise RemoteGuardUnavailable("it failed recently")
    try:
        # The client's own timeout applies to each step of a request; this one to all of it.
        async with asyncio.timeout(settings.GUARD_TIMEOUT_SECONDS):
            reply = await _client().post(path, cast_to=object, body=body)
    except (openai.OpenAIError, TimeoutError, ValueError) as error:
        breaker.record_failure()
        raise RemoteGuardUnavailable(type(error).__name__) from error
    if not isinstance(reply, dict):
        breaker.record_failure()
        raise RemoteGuardUnavailable("no JSON object")
    return reply
