"""Values that a process reads once and reads again after a while."""

import time
from collections.abc import Callable
from typing import Any


class TimedCache[T]:
    """What `read` returned, for `seconds`, or until `clear` is called in this process.

    It holds no lock. A value that was being read during a `clear` is returned once and not cached.
    """

    def __init__(self, read: Callable[[], T], *, seconds: float) -> None:
        self._read, self._seconds = read, seconds
        self._value: T | None = None
        self._valid_until = 0.0
        self._version = 0

    def get(self) -> T:
        """Return the cached value, or read it."""
        if self._value is not None and time.monotonic() < self._valid_until:
            return self._value
        version, value = self._version, self._read()
        if version == self._version:
            self._value, self._valid_until = value, time.monotonic() + self._seconds
        return value

    def clear(self, **_sent: Any) -> None:
        """Read again at the next `get`. May be connected to Django's signals."""
        self._version += 1
        self._valid_until = 0.0
