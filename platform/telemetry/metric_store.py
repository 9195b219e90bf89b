"""Sums that all processes of the site share, kept in one hash in Valkey.

Adding costs a lock and an addition: each process gathers what it added, and a thread of its own brings that to Valkey
once a second. While Valkey is away it gathers on. A process that is killed loses its last second.
"""

import atexit
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import Any

import redis
from django.conf import settings

from kit import valkey

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
        self._news = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_away = False

    def add(self, amounts: Mapping[str, float]) -> None:
        """Add to the sums of these names. Never waits for Valkey."""
        with self._lock:
            for name, amount in amounts.items():
                self._sums[name] += amount
            if self._thread is None:
                self._thread = threading.Thread(target=self._flush_forever, name="metrics", daemon=True)
                self._thread.start()
                atexit.register(self.flush)
        self._news.set()

    def flush(self) -> bool:
        """Bring what was gathered to Valkey, all of it or nothing. False while Valkey is away."""
        with self._lock:
            read_totals, self._sums = self._sums, defaultdict(float)
        if not read_totals:
            return True
        try:
            with _client(settings.VALKEY_URL).pipeline(transaction=True) as pipe:
                for name, amount in read_totals.items():
                    pipe.hincrbyfloat(KEY, name, amount)
                pipe.execute()
        except redis.RedisError:
            if not self._is_away:
                logger.warning("Valkey is away: what was counted waits.")
            self._is_away = True
            self.add(read_totals)
            return False
        self._is_away = False
        return True

    def _flush_forever(self) -> None:
        while True:
            self._news.wait()
            time.sleep(FLUSH_SECONDS)
            self._news.clear()
            if not self.flush():
                self._news.set()


metric_store = MetricStore()


def read_totals() -> dict[str, float] | None:
    """Every sum by its name, as all processes have brought them; None while Valkey is away."""
    try:
        found: Any = _client(settings.VALKEY_URL).hgetall(KEY)
    except redis.RedisError:
        return None
    return {name: float(amount) for name, amount in found.items()}
