"""Load heavy things on first use or when a process starts to serve, never on import."""

import importlib.util
import sys
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


def lazy_module(name: str) -> ModuleType:
    """Return a module that is imported when one of its attributes is first used. Raises ModuleNotFoundError.

    Only for a package that a single room uses, by attribute: an `import` of one of its submodules in another thread
    could deadlock with this one.
    """
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
