"""Load heavy things on first use or when a process starts to serve, never on import."""

import importlib.util
from collections.abc import Callable
from threading import RLock
from types import ModuleType


class load_once[T]:  # noqa: N801 - a decorator
    """Like functools.cache for a function without arguments, but threads that call it together run it once.

    The other threads wait. If it raises, the next call tries again.
    """

    def __init__(self, load: Callable[[], T]) -> None:
        self._load = load
        self._lock = RLock()
        self._loaded: tuple[T] | None = None

    def __call__(self) -> T:
        # Read into a local, as `clear` may run in between.
        if (loaded := self._loaded) is None:
            with self._lock:
                if (loaded := self._loaded) is None:
                    loaded = self._loaded = (self._load(),)
        return loaded[0]

    @property
    def is_loaded(self) -> bool:
        return self._loaded is not None

    def clear(self) -> None:
        """Load again on the next call."""
        self._loaded = None


class _LazyModule(ModuleType):
    """Stands for a module, and imports it when one of its attributes is used.

    Not importlib's LazyLoader: its lock and the import locks deadlock if another thread imports one of the submodules.
    """

    def __getattr__(self, name: str) -> object:
        return getattr(importlib.import_module(self.__name__), name)


def lazy_module(name: str) -> ModuleType:
    """Return a stand-in for a module, which is imported when one of its attributes is first used.

    Raises ModuleNotFoundError. A submodule counts as an attribute only if the package imports it.
    """
    if importlib.util.find_spec(name) is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return _LazyModule(name)
