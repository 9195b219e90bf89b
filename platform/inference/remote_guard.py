"""Sends requests to the remote guard. guard.remote builds them and parses the replies.

After repeated failures a circuit breaker skips the guard for a while: answers do not wait for one that is down.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from django.conf import settings

from kit.lazy import lazy_module

if TYPE_CHECKING:
    import openai
else:
    openai = lazy_module("openai")

# After this many failures in a row, the guard rests for so long. Then one request tries it again.
MAX_FAILURES = 3
REST_SECONDS = 30.0


class RemoteGuardUnavailable(Exception):
    """The remote guard did not answer in time, or its reply is not a JSON object."""


_outage_handlers: list[Callable[[], None]] = []


def register_outage_handler(handle: Callable[[], None]) -> None:
    """Call `handle` when the guard has failed so often that it rests. It runs on the event loop: it must not wait."""
    if handle not in _outage_handlers:
        _outage_handlers.append(handle)


class GuardBreaker:
    """Stops requests to a guard that keeps failing."""

    def __init__(self) -> None:
        self.failures = 0
        self.rests_until = 0.0

    def allow_request(self) -> bool:
        """Return whether a request may be sent now.

        When a rest is over, the first call returns True and begins the next rest, which a success ends: so one request
        tries the guard again.
        """
        now = time.monotonic()
        if now < self.rests_until:
            return False
        if self.failures >= MAX_FAILURES:
            self.rests_until = now + REST_SECONDS
        return True

    def record_success(self) -> None:
        self.failures, self.rests_until = 0, 0.0

    def record_failure(self) -> None:
        self.failures += 1
        if self.failures >= MAX_FAILURES:
            self.rests_until = time.monotonic() + REST_SECONDS
        if self.failures == MAX_FAILURES:
            for handle in _outage_handlers:
                handle()


guard_breaker = GuardBreaker()
_clients: "WeakKeyDictionary[asyncio.AbstractEventLoop, openai.AsyncOpenAI]" = WeakKeyDictionary()


def _get_client() -> "openai.AsyncOpenAI":
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = openai.AsyncOpenAI(
            base_url=settings.GUARD_BASE_URL,
            api_key=settings.GUARD_API_KEY,
            max_retries=0,
            # A redirect could send the question and the key elsewhere.
            http_client=openai.DefaultAioHttpClient(follow_redirects=False),
        )
    return _clients[loop]


async def ask_remote_guard[Parsed](
    path: str, body: dict[str, Any], *, parse: Callable[[dict[str, Any]], Parsed]
) -> Parsed:
    """Post `body` to the guard and return its JSON as `parse` reads it. An error of `parse` counts as a failure.

    Raises RemoteGuardUnavailable within GUARD_TIMEOUT_SECONDS, and the errors of `parse`.
    """
    if not guard_breaker.allow_request():
        raise RemoteGuardUnavailable("it failed recently")
    try:
        parsed = parse(await _post(path, body))
    except Exception:
        guard_breaker.record_failure()
        raise
    guard_breaker.record_success()
    return parsed


async def _post(path: str, body: dict[str, Any]) -> dict[str, Any]:
    try:
        # The client's own timeout applies to each step of a request; this one to all of it.
        async with asyncio.timeout(settings.GUARD_TIMEOUT_SECONDS):
            reply = await _get_client().post(path, cast_to=object, body=body)
    except (openai.OpenAIError, TimeoutError, ValueError) as error:
        raise RemoteGuardUnavailable(type(error).__name__) from error
    if not isinstance(reply, dict):
        raise RemoteGuardUnavailable("no JSON object")
    return reply
