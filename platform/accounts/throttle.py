"""How often somebody may try something: counted in Valkey, or in this process while Valkey is away."""

import math
import time
from functools import cache

import redis
from django.conf import settings
from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry


class TooOften(Exception):
    """Somebody tried something more often than its rule allows.

    `wait_seconds` is the time until the next try can succeed.
    """

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(f"try again in {wait_seconds} s")
        self.wait_seconds = wait_seconds


class Throttle:
    """The rules ("5/minute;40/hour", in the notation of the `limits` library) for one kind of try."""

    def __init__(self, name: str, rules: str) -> None:
        self.name = name
        self.items: list[RateLimitItem] = parse_many(rules)

    def hit(self, *who: object) -> None:
        """Count one try by `who`; raise TooOften when one of the rules allows no more."""
        key = (self.name, *map(str, who))
        try:
            self._count(_shared(), *key)
        except redis.RedisError:
            # A counter that is away must neither lock people out nor let one of them hammer the site.
            self._count(_local(), *key)

    def _count(self, limiter: FixedWindowRateLimiter, *key: str) -> None:
        for item in self.items:
            if not limiter.hit(item, *key):
                resets_at, _left = limiter.get_window_stats(item, *key)
                raise TooOften(max(1, math.ceil(resets_at - time.time())))


@cache
def _shared() -> FixedWindowRateLimiter:
    pool = redis.ConnectionPool.from_url(
        settings.VALKEY_URL, socket_connect_timeout=0.5, socket_timeout=0.5, retry=Retry(NoBackoff(), 0)
    )
    return FixedWindowRateLimiter(RedisStorage(settings.VALKEY_URL, connection_pool=pool))


@cache
def _local() -> FixedWindowRateLimiter:
    return FixedWindowRateLimiter(MemoryStorage())
