"""The ids that every log line of a request or task carries.

They are context variables, so threads of asgiref and coroutines inherit them. An id never names a person.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_ids: ContextVar[Mapping[str, str]] = ContextVar("ids", default=MappingProxyType({}))


def get_log_ids() -> Mapping[str, str]:
    return _ids.get()


def bind_log_ids(**ids: object) -> None:
    """Add ids to every log line from here to the end of the request or task."""
    _ids.set({**_ids.get(), **{name: str(value) for name, value in ids.items()}})


@contextmanager
def bound_log_ids(**ids: object) -> Iterator[None]:
    """Add ids within a `with` block only, for threads that do other work afterwards."""
    token = _ids.set(_ids.get())
    bind_log_ids(**ids)
    try:
        yield
    finally:
        _ids.reset(token)
