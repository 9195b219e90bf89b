"""How often something may be tried, and what those are told who must wait (ADR 45).

Tries are counted in Valkey, or in this process while Valkey is away.
"""

import math
import time
from collections.abc import Callable
from functools import cache
from ipaddress import IPv6Address, IPv6Network, ip_address

import redis
from django import forms
from django.conf import settings
from django.forms.utils import ErrorDict
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter

from kit.valkey import build_client_options

# A home or a phone has a whole IPv6 network of this size to choose its addresses from.
IPV6_PREFIX = 64
# A sign-in counts a dozen times: it must not wait for counters that hang as often.
UNAVAILABLE_SECONDS = 5.0


class RateLimited(Exception):
    """Something was tried more often than its rule allows.

    `wait_seconds` is the time until the next try can succeed.
    """

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(f"try again in {wait_seconds} s")
        self.wait_seconds = wait_seconds


class EmailRateLimited(RateLimited):
    """An address has been written to so often that its owner has the mail already."""


def get_client_network(request: HttpRequest) -> str:
    """The address that limits go by: an IPv4 address, or the /64 network of an IPv6 one.

    It is the visitor's own: the server believes X-Forwarded-For from the proxy alone (FORWARDED_ALLOW_IPS).
    """
    address = ip_address(request.META["REMOTE_ADDR"])
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Network((address, IPV6_PREFIX), strict=False))
    return str(address)


class WindowCounters(FixedWindowRateLimiter):
    """Where tries are counted, and until when they are not asked, after they did not answer."""

    away_until = 0.0


class RateLimit:
    """The rules ("5/minute;40/hour", in the notation of the `limits` library) for one kind of try."""

    def __init__(self, name: str, rules: str) -> None:
        self.name = name
        self.items: list[RateLimitItem] = parse_many(rules)

    def hit(self, *who: object) -> None:
        """Count one try by `who`; raise TooOften when one of the rules allows no more."""
        key = self._key(*who)
        _with_counters(lambda counters: self._hit(counters, *key))

    def undo_hit(self, *who: object) -> None:
        """Uncount one try, where only failures count: it was counted beforehand because others run beside it."""
        key = self._key(*who)
        _with_counters(lambda counters: self._undo_hit(counters, *key))

    def _key(self, *who: object) -> tuple[str, ...]:
        return (self.name, *map(str, who))

    def _hit(self, counters: WindowCounters, *key: str) -> None:
        for item in self.items:
            if not counters.hit(item, *key):
                resets_at, _left = counters.get_window_stats(item, *key)
                raise RateLimited(max(1, math.ceil(resets_at - time.time())))

    def _undo_hit(self, counters: WindowCounters, *key: str) -> None:
        for item in self.items:
            name = item.key_for(*key)
            if counters.storage.get(name) > 0:
                counters.storage.incr(name, item.get_expiry(), amount=-1)


class ClientRateLimit:
    """One limit for each signed-in person; for visitors a generous one for each network, and one for all of them.

    People behind one address, such as a school's, share only the limit of visitors.
    """

    def __init__(self, name: str, *, person: str, network: str, everyone: str) -> None:
        self.person = RateLimit(f"{name}, person", person)
        self.network = RateLimit(f"{name}, network", network)
        self.everyone = RateLimit(f"{name}, everyone", everyone)

    def hit(self, request: HttpRequest) -> None:
        """Count one try; raise TooOften."""
        if request.user.is_authenticated:
            self.person.hit(request.user.pk)
            return
        self.network.hit(get_client_network(request))
        self.everyone.hit()

    def undo_hit(self, request: HttpRequest) -> None:
        """Uncount one try, where only failures count."""
        if request.user.is_authenticated:
            self.person.undo_hit(request.user.pk)
            return
        self.network.undo_hit(get_client_network(request))
        self.everyone.undo_hit()


class FailureBackoff:
    """Failures that are followed by longer and longer waits, and never by a lock.

    The first `free` failures cost nothing; then each wait is twice the one before, from `first` to `longest` seconds.
    A try during a wait is refused and not counted, so it makes the wait no longer. The count begins anew `memory`
    seconds after its first failure, or at once after a success.
    """

    def __init__(self, name: str, *, free: int, first: int, longest: int, memory: int = 86_400) -> None:
        self.name, self.free, self.first, self.longest, self.memory = name, free, first, longest, memory

    def hit(self, *who: object) -> None:
        """Count one try as a failure, before it is made; raise TooOften while a wait is on."""
        count, wait = self._keys(*who)
        _with_counters(lambda counters: self._hit(counters.storage, count, wait))

    def undo_hit(self, *who: object) -> None:
        """Uncount one try that was not made after all, and the wait that it began."""
        count, wait = self._keys(*who)
        _with_counters(lambda counters: self._undo_hit(counters.storage, count, wait))

    def clear(self, *who: object) -> None:
        """Forget all failures: one try succeeded."""
        keys = self._keys(*who)
        _with_counters(lambda counters: [counters.storage.clear(key) for key in keys])

    def wait_after(self, failures: int) -> int:
        """The seconds to wait after so many failures."""
        if failures < self.free:
            return 0
        # Doubled no more than 30 times: what is longer than `longest` anyway need not be worked out.
        return min(self.longest, self.first << min(failures - self.free, 30))

    def _keys(self, *who: object) -> tuple[str, str]:
        key = "/".join((self.name, *map(str, who)))
        return f"failures/{key}", f"wait/{key}"

    def _hit(self, storage: Storage, count: str, wait: str) -> None:
        if storage.get(wait):
            raise RateLimited(max(1, math.ceil(storage.get_expiry(wait) - time.time())))
        seconds = self.wait_after(storage.incr(count, self.memory))
        if seconds and storage.incr(wait, seconds) > 1:
            # Another try at the same moment was first.
            raise RateLimited(seconds)

    def _undo_hit(self, storage: Storage, count: str, wait: str) -> None:
        if storage.get(count) > 0:
            storage.incr(count, self.memory, amount=-1)
        storage.clear(wait)


def _with_counters(act: Callable[[WindowCounters], object]) -> None:
    shared = _shared_counters()
    if time.monotonic() >= shared.away_until:
        try:
            act(shared)
        except redis.RedisError:
            shared.away_until = time.monotonic() + UNAVAILABLE_SECONDS
        else:
            return
    # A counter that is away must neither lock people out nor let one of them hammer the site.
    act(_local_counters())


@cache
def _shared_counters() -> WindowCounters:
    pool = redis.ConnectionPool.from_url(settings.VALKEY_URL, **build_client_options(seconds=0.5))
    return WindowCounters(RedisStorage(settings.VALKEY_URL, connection_pool=pool))


@cache
def _local_counters() -> WindowCounters:
    return WindowCounters(MemoryStorage())


MINUTE, HOUR = 60, 3600


def format_wait(seconds: int) -> str:
    """A wait as people say it, never shorter than it is: "40 seconds", "5 minutes", "1 hour"."""
    if seconds < MINUTE:
        return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}
    minutes = -(-seconds // MINUTE)
    if minutes < HOUR // MINUTE:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    hours = -(-seconds // HOUR)
    return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}


def format_rate_limited(refusal: RateLimited) -> str:
    """The wait in words, beside a form that still holds what was typed."""
    said = _("Too many tries. Wait %(wait)s, then try again. What you typed is still here.")
    if isinstance(refusal, EmailRateLimited):
        said = _(
            "We have written to that address several times already. Look in its mailbox, also among the spam. "
            "In %(wait)s we can write again. What you typed is still here."
        )
    return said % {"wait": format_wait(refusal.wait_seconds)}


def mark_rate_limited[Response: HttpResponse](response: Response, refusal: RateLimited) -> Response:
    """The answer as one that asks to wait: 429, with the time in a header for programs."""
    response.status_code = 429
    response.headers["Retry-After"] = str(refusal.wait_seconds)
    return response


def skip_validation[Form: forms.BaseForm](form: Form) -> Form:
    """A form with what was typed, to be shown again without being judged: that may cost as much as taking it."""
    setattr(form, "_errors", ErrorDict())  # noqa: B010 - Django judges a form when it is first asked for its errors
    return form
