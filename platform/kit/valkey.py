"""Valkey clients, and the cache that the site's processes share."""

import json
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache

from kit.lazy import lazy_module

if TYPE_CHECKING:
    import redis
    import redis.asyncio
    import redis.asyncio.retry
    import redis.backoff
    import redis.retry
else:
    redis = lazy_module("redis")

# Valkey is tried once and without a long wait: each caller has a fallback.
CONNECT_SECONDS = 0.5


def build_client_options(*, seconds: float) -> dict[str, Any]:
    """Return options for a library that creates its own client. `seconds` is the timeout of a command."""
    return {
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": seconds,
        "retry": redis.retry.Retry(redis.backoff.NoBackoff(), 0),
    }


def create_client(url: str = "", *, seconds: float = 1.0) -> "redis.Redis":
    """Return a client that decodes replies to str. Callers reuse it: it holds a connection pool."""
    return redis.Redis.from_url(
        url or settings.VALKEY_URL, decode_responses=True, **build_client_options(seconds=seconds)
    )


def create_async_client(
    *, seconds: float = 2.0, connect_seconds: float = CONNECT_SECONDS, single_connection: bool = False
) -> "redis.asyncio.Redis":
    """Return an asyncio client, to be used on one event loop only."""
    return redis.asyncio.Redis.from_url(
        settings.VALKEY_URL,
        decode_responses=True,
        socket_connect_timeout=connect_seconds,
        socket_timeout=seconds,
        retry=redis.asyncio.retry.Retry(redis.backoff.NoBackoff(), 0),
        single_connection_client=single_connection,
    )


class JSONSerializer:
    """Stores JSON only. Django's pickle serializer would run code that an intruder put into Valkey."""

    def dumps(self, value: object) -> bytes | int:
        # Valkey increments integers itself, so they are stored bare.
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, stored: bytes) -> Any:
        return json.loads(stored)


class FallbackCache(RedisCache):
    """A cache in Valkey, or in this process while Valkey is unavailable. Store only what may be lost.

    A counter must neither lock people out nor vanish while Valkey is down. Only add, get, set and delete have the
    fallback; other methods raise RedisError.
    """

    # Django's own, which its type stubs lack.
    _class: Callable[..., Any]
    _servers: list[str]
    _options: dict[str, Any]

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._local = LocMemCache("steady", {})

    @cached_property
    def _cache(self) -> Any:
        # Not options in the settings: every command would import the client.
        return self._class(self._servers, **build_client_options(seconds=0.5), **self._options)

    def add(
        self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """Add a value, in this process while Valkey is down."""
        try:
            return super().add(key, value, timeout, version)
        except redis.RedisError:
            return self._local.add(key, value, timeout, version)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except redis.RedisError:
            return self._local.get(key, default, version)

    def set(
        self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        """Set a value, in this process while Valkey is down."""
        try:
            super().set(key, value, timeout, version)
        except redis.RedisError:
            self._local.set(key, value, timeout, version)

    def delete(self, key: Any, version: int | None = None) -> bool:
        """Delete a value, from this process while Valkey is down."""
        try:
            return super().delete(key, version)
        except redis.RedisError:
            return self._local.delete(key, version)

    def clear(self) -> None:
        """Delete the keys under this cache's prefix. Django's own method would flush Valkey, including the broker."""
        self._local.clear()
        client = self._cache.get_client(write=True)
        for key in client.scan_iter(match=self.make_key("*")):
            client.delete(key)
