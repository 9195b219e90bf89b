"""Rows that a process reads once and keeps for a while."""

import time
from collections.abc import Callable
from typing import Any


class Kept[T]:
    """What `read` returned, for `seconds`, or until `forget` is called in this process.

    It holds no lock: what is read while it is being forgotten is returned, and not kept.
    """

    def __init__(self, read: Callable[[], T], *, seconds: float) -> None:
        self._read, self._seconds = read, seconds
        self._value: T | None = None
        self._read_until = 0.0
        self._version = 0

    def get(self) -> T:
        """Return the kept value, or read it."""
        if self._value is not None and time.monotonic() < self._read_until:
            return self._value
        version, value = self._version, self._read()
        if version == self._version:
            self._value, self._read_until = value, time.monotonic() + self._seconds
        return value

    def forget(self, **_sent: Any) -> None:
        """Read again at the next `get`. A receiver of Django's signals."""
        self._version += 1
        self._read_until = 0.0
