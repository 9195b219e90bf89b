"""Answers 404 for a row that does not exist or belongs to another person, so that the two look the same."""

from contextlib import AbstractContextManager
from types import TracebackType

from django.http import Http404


class _Raise404(AbstractContextManager[None, None]):
    def __init__(self, missing: tuple[type[Exception], ...]) -> None:
        self.missing = missing

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if isinstance(error, self.missing):
            raise Http404 from error


def raise_404_on(*missing: type[Exception]) -> AbstractContextManager[None, None]:
    """Return a context manager that turns these exceptions into a 404.

    `with raise_404_on(Turn.DoesNotExist): return get_turn(…)`
    """
    return _Raise404(missing)
