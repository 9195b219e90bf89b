"""Rate limits, and the responses to requests that exceed them (ADR 45).

Tries are counted in Valkey, or in this process while Valkey is unavailable.
"""

import math
import time
from collections.abc import Callable
from functools import cache, cached_property
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

from django import forms
from django.conf import settings
from django.forms.utils import ErrorDict
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kit.lazy import lazy_module
from kit.valkey import build_client_options

if TYPE_CHECKING:
    import limits
    import limits.storage
    import limits.strategies
    import redis
else:
    limits = lazy_module("limits")
    redis = lazy_module("redis")

# A home or a phone can use any address in an IPv6 network of this size.
IPV6_PREFIX = 64
# After a failure Valkey is skipped for this long: a sign-in counts a dozen times and must not wait each time.
UNAVAILABLE_SECONDS = 5.0


class RateLimited(Exception):
    """A rate limit was exceeded. The next try can succeed in `wait_seconds`."""

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(f"try again in {wait_seconds} s")
        self.wait_seconds = wait_seconds


class EmailRateLimited(RateLimited):
    """Too many emails were sent to one address."""


def get_client_network(request: HttpRequest) -> str:
    """Return the key of a visitor's rate limits: an IPv4 address, or the /64 network of an IPv6 address.

    It cannot be forged: the server accepts X-Forwarded-For only from the proxy (FORWARDED_ALLOW_IPS).
    """
    address = ip_address(request.META["REMOTE_ADDR"])
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Network((address, IPV6_PREFIX), strict=False))
    return str(address)


class WindowCounters:
    """Counters in one storage. After a failure they are skipped until `unavailable_until` (time.monotonic())."""

    def __init__(self, storage: "limits.storage.Storage") -> None:
        self.storage = storage
        self.unavailable_until = 0.0
        self._windows = limits.strategies.FixedWindowRateLimiter(storage)

    def hit(self, item: "limits.RateLimitItem", *key: str) -> bool:
        """Count one try. Returns whether it is within the limit."""
        return self._windows.hit(item, *key)

    def get_reset_time(self, item: "limits.RateLimitItem", *key: str) -> float:
        """Return when the current window ends."""
        return self._windows.get_window_stats(item, *key).reset_time


class RateLimit:
    """The limits on one kind of try, in the notation of the `limits` library: "5/minute;40/hour"."""

    def __init__(self, name: str, rules: str) -> None:
        self.name = name
        self._rules = rules

    @cached_property
    def items(self) -> "list[limits.RateLimitItem]":
        return limits.parse_many(self._rules)

    def hit(self, *who: object) -> None:
        """Count one try by `who`. Raises RateLimited when any of the limits is exceeded."""
        key = self._build_key(*who)
        _use_counters(lambda counters: self._hit(counters, *key))

    def undo_hit(self, *who: object) -> None:
        """Remove one counted try, for limits on failures: tries are counted before they run, as others run too."""
        key = self._build_key(*who)
        _use_counters(lambda counters: self._undo_hit(counters, *key))

    def _build_key(self, *who: object) -> tuple[str, ...]:
        return (self.name, *map(str, who))

    def _hit(self, counters: WindowCounters, *key: str) -> None:
        for item in self.items:
            if not counters.hit(item, *key):
                raise RateLimited(max(1, math.ceil(counters.get_reset_time(item, *key) - time.time())))

    def _undo_hit(self, counters: WindowCounters, *key: str) -> None:
        for item in self.items:
            name = item.key_for(*key)
            if counters.storage.get(name) > 0:
                counters.storage.incr(name, item.get_expiry(), amount=-1)


class ClientRateLimit:
    """A limit per signed-in person; for visitors, a higher limit per network and one for all visitors together.

    People behind one address, such as a school's, share a limit only while they are not signed in.
    """

    def __init__(self, name: str, *, person: str, network: str, everyone: str) -> None:
        self.person = RateLimit(f"{name}, person", person)
        self.network = RateLimit(f"{name}, network", network)
        self.everyone = RateLimit(f"{name}, everyone", everyone)

    def hit(self, request: HttpRequest) -> None:
        """Count one try. Raises RateLimited."""
        if request.user.is_authenticated:
            self.person.hit(request.user.pk)
            return
        self.network.hit(get_client_network(request))
        self.everyone.hit()

    def undo_hit(self, request: HttpRequest) -> None:
        """Remove one counted try, for limits on failures."""
        if request.user.is_authenticated:
            self.person.undo_hit(request.user.pk)
            return
        self.network.undo_hit(get_client_network(request))
        self.everyone.undo_hit()


class FailureBackoff:
    """Exponential backoff after failures, without ever locking an account.

    The first `free` failures cause no wait; then each wait doubles, from `first` to `longest` seconds. A try during a
    wait is rejected and not counted, so it does not extend the wait. The count resets `memory` seconds after its first
    failure, or with a success.
    """

    def __init__(self, name: str, *, free: int, first: int, longest: int, memory: int = 86_400) -> None:
        self.name, self.free, self.first, self.longest, self.memory = name, free, first, longest, memory

    def hit(self, *who: object) -> None:
        """Count one try as a failure before it is made. Raises RateLimited during a wait."""
        count, wait = self._build_keys(*who)
        _use_counters(lambda counters: self._hit(counters.storage, count, wait))

    def undo_hit(self, *who: object) -> None:
        """Remove one counted try that was not made, with the wait that it started."""
        count, wait = self._build_keys(*who)
        _use_counters(lambda counters: self._undo_hit(counters.storage, count, wait))

    def clear(self, *who: object) -> None:
        """Reset the count after a success."""
        keys = self._build_keys(*who)
        _use_counters(lambda counters: [counters.storage.clear(key) for key in keys])

    def wait_after(self, failures: int) -> int:
        """Return the wait in seconds after this number of failures."""
        if failures < self.free:
            return 0
        # At most 30 doublings: the result is capped anyway.
        return min(self.longest, self.first << min(failures - self.free, 30))

    def _build_keys(self, *who: object) -> tuple[str, str]:
        key = "/".join((self.name, *map(str, who)))
        return f"failures/{key}", f"wait/{key}"

    def _hit(self, storage: "limits.storage.Storage", count: str, wait: str) -> None:
        if storage.get(wait):
            raise RateLimited(max(1, math.ceil(storage.get_expiry(wait) - time.time())))
        seconds = self.wait_after(storage.incr(count, self.memory))
        if seconds and storage.incr(wait, seconds) > 1:
            # A simultaneous try started this wait.
            raise RateLimited(seconds)

    def _undo_hit(self, storage: "limits.storage.Storage", count: str, wait: str) -> None:
        if storage.get(count) > 0:
            storage.incr(count, self.memory, amount=-1)
        storage.clear(wait)


def _use_counters(act: Callable[[WindowCounters], object]) -> None:
    shared = _shared_counters()
    if time.monotonic() >= shared.unavailable_until:
        try:
            act(shared)
        except redis.RedisError:
            shared.unavailable_until = time.monotonic() + UNAVAILABLE_SECONDS
        else:
            return
    # Without Valkey, limits must neither lock people out nor disappear.
    act(_get_local_counters())


def load_libraries() -> None:
    """Import what counting needs, which otherwise the first try does. Connects to nothing."""
    _shared_counters()


@cache
def _shared_counters() -> WindowCounters:
    pool = redis.ConnectionPool.from_url(settings.VALKEY_URL, **build_client_options(seconds=0.5))
    return WindowCounters(limits.storage.RedisStorage(settings.VALKEY_URL, connection_pool=pool))


@cache
def _get_local_counters() -> WindowCounters:
    return WindowCounters(limits.storage.MemoryStorage())


MINUTE, HOUR = 60, 3600


def format_wait(seconds: int) -> str:
    """Format a wait, rounded up: "40 seconds", "5 minutes", "1 hour"."""
    if seconds < MINUTE:
        return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}
    minutes = -(-seconds // MINUTE)
    if minutes < HOUR // MINUTE:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    hours = -(-seconds // HOUR)
    return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}


def format_rate_limited(error: RateLimited) -> str:
    """Return the message for a form that is shown again with its values."""
    message = _("Too many tries. Please wait %(wait)s, then try again. What you typed is still here.")
    if isinstance(error, EmailRateLimited):
        message = _(
            "We’ve already sent several emails to that address. Please check its inbox and spam folder. "
            "We can send another one in %(wait)s. What you typed is still here."
        )
    return message % {"wait": format_wait(error.wait_seconds)}


def mark_rate_limited[Response: HttpResponse](response: Response, error: RateLimited) -> Response:
    """Turn a response into a 429 with a Retry-After header."""
    response.status_code = 429
    response.headers["Retry-After"] = str(error.wait_seconds)
    return response


def skip_validation[Form: forms.BaseForm](form: Form) -> Form:
    """Return a bound form that will be shown again without validation, which may be expensive."""
    setattr(form, "_errors", ErrorDict())  # noqa: B010 - Django validates a form when its errors are first read
    return form
