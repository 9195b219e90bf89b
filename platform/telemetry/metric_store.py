"""Totals that all processes of the site share, kept in one hash in Valkey.

Adding takes a lock and an addition: each process keeps its own sums, and a background thread writes them to Valkey once
a second. While Valkey is unavailable the sums stay in the process. A killed process loses its last second.
"""

import atexit
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

from kit import valkey
from kit.lazy import lazy_module

if TYPE_CHECKING:
    import redis
else:
    redis = lazy_module("redis")

logger = logging.getLogger(__name__)

KEY = "metrics"
FLUSH_SECONDS = 1.0


@cache
def _client(url: str) -> "redis.Redis":
    return valkey.create_client(url)


class MetricStore:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._has_changes = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_unavailable = False

    def add(self, amounts: Mapping[str, float]) -> None:
        """Add amounts by metric key. Never waits for Valkey."""
        with self._lock:
            for name, amount in amounts.items():
                self._sums[name] += amount
            if self._thread is None:
                self._thread = threading.Thread(target=self._flush_forever, name="metrics", daemon=True)
                self._thread.start()
                atexit.register(self.flush)
        self._has_changes.set()

    def flush(self) -> bool:
        """Write this process's sums to Valkey in one transaction. Returns False while Valkey is unavailable."""
        with self._lock:
            sums, self._sums = self._sums, defaultdict(float)
        if not sums:
            return True
        try:
            with _client(settings.VALKEY_URL).pipeline(transaction=True) as pipe:
                for name, amount in sums.items():
                    pipe.hincrbyfloat(KEY, name, amount)
                pipe.execute()
        except redis.RedisError:
            if not self._is_unavailable:
                logger.warning("Valkey is unavailable: metrics are kept in this process until it is back.")
            self._is_unavailable = True
            self.add(sums)
            return False
        self._is_unavailable = False
        return True

    def _flush_forever(self) -> None:
        while True:
            self._has_changes.wait()
            time.sleep(FLUSH_SECONDS)
            self._has_changes.clear()
            if not self.flush():
                self._has_changes.set()


metric_store = MetricStore()


def read_totals() -> dict[str, float] | None:
    """Return the totals of all processes by metric key; None while Valkey is unavailable."""
    try:
        amounts: Any = _client(settings.VALKEY_URL).hgetall(KEY)
    except redis.RedisError:
        return None
    return {name: float(amount) for name, amount in amounts.items()}
