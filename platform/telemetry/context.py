"""What the work at hand is about: ids that every log line carries, wherever the work goes on.

Threads of asgiref and coroutines of a loop inherit them (contextvars). An id never names a person.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_ids: ContextVar[Mapping[str, str]] = ContextVar("ids", default=MappingProxyType({}))


def ids() -> Mapping[str, str]:
    return _ids.get()


def note(**found: object) -> None:
    """From here on the request or task is also about these."""
    _ids.set({**_ids.get(), **{name: str(one) for name, one in found.items()}})


@contextmanager
def about(**found: object) -> Iterator[None]:
    """As note, for one block: for a thread that turns to other work afterwards."""
    before = _ids.set(_ids.get())
    note(**found)
    try:
        yield
    finally:
        _ids.reset(before)
