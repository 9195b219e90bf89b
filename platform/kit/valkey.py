"""Valkey: the one way to its clients, and the cache that the site's processes share in it."""

import json
from typing import Any

import redis
import redis.asyncio
from django.conf import settings
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis import RedisError
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

# Nobody waits for Valkey: it is tried once, and what asks has something else to go by while it is away.
CONNECT_SECONDS = 0.5


def build_client_options(*, seconds: float) -> dict[str, Any]:
    """For a library that makes its client itself. `seconds` is how long an answer may take."""
    return {
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": seconds,
        "retry": Retry(NoBackoff(), 0),
    }


def create_client(url: str = "", *, seconds: float = 1.0) -> "redis.Redis":
    """A client whose answers are text. The caller keeps it: it holds a pool of connections."""
    return redis.Redis.from_url(
        url or settings.VALKEY_URL, decode_responses=True, **build_client_options(seconds=seconds)
    )


def create_async_client(
    *, seconds: float = 2.0, connect_seconds: float = CONNECT_SECONDS, single_connection: bool = False
) -> "redis.asyncio.Redis":
    """The same for one event loop."""
    return redis.asyncio.Redis.from_url(
        settings.VALKEY_URL,
        decode_responses=True,
        socket_connect_timeout=connect_seconds,
        socket_timeout=seconds,
        retry=AsyncRetry(NoBackoff(), 0),
        single_connection_client=single_connection,
    )


class JSONSerializer:
    """Plain values only. Django's own serializer would run whatever somebody had put into Valkey."""

    def dumps(self, value: object) -> bytes | int:
        # Valkey itself counts integers up, so they stay bare.
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, stored: bytes) -> Any:
        return json.loads(stored)


class FallbackCache(RedisCache):
    """Valkey, or this process while Valkey is away. Only what may be forgotten belongs in it.

    Its absence is nobody's error: a counter that is away must neither lock people out nor vanish.

    That is true of add, get, set and delete, which are all that counters here need; other calls fail as Django's do.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._local = LocMemCache("steady", {})

    def add(
        self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        try:
            return super().add(key, value, timeout, version)
        except RedisError:
            return self._local.add(key, value, timeout, version)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except RedisError:
            return self._local.get(key, default, version)

    def set(
        self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        try:
            super().set(key, value, timeout, version)
        except RedisError:
            self._local.set(key, value, timeout, version)

    def delete(self, key: Any, version: int | None = None) -> bool:
        try:
            return super().delete(key, version)
        except RedisError:
            return self._local.delete(key, version)

    def clear(self) -> None:
        """Forget what lies under this cache's prefix. Django's own would empty Valkey, with the broker in it."""
        self._local.clear()
        create_client = self._cache.get_client(write=True)
        for key in create_client.scan_iter(match=self.make_key("*")):
            create_client.delete(key)
