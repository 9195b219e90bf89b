"""What the work at hand is about: ids that every log line carries, wherever the work goes on.

Threads of asgiref and coroutines of a loop inherit them (contextvars). An id never names a person.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_ids: ContextVar[Mapping[str, str]] = ContextVar("ids", default=MappingProxyType({}))


def get_log_ids() -> Mapping[str, str]:
    return _ids.get()


def bind_log_ids(**found: object) -> None:
    """From here on the request or task is also about these."""
    _ids.set({**_ids.get(), **{name: str(one) for name, one in found.items()}})


@contextmanager
def bound_log_ids(**found: object) -> Iterator[None]:
    """As note, for one block: for a thread that turns to other work afterwards."""
    before = _ids.set(_ids.get())
    bind_log_ids(**found)
    try:
        yield
    finally:
        _ids.reset(before)
