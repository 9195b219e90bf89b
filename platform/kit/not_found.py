"""What a view says of a row that is not there, or not the asker's: 404, so that an address tells nothing."""

from contextlib import AbstractContextManager
from types import TracebackType

from django.http import Http404


class _Or404(AbstractContextManager[None, None]):
    def __init__(self, missing: tuple[type[Exception], ...]) -> None:
        self.missing = missing

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if isinstance(fault, self.missing):
            raise Http404 from fault


def raise_404_on(*missing: type[Exception]) -> AbstractContextManager[None, None]:
    """Turn these errors of what stands within into a 404: `with or_404(Turn.DoesNotExist): return turn_of(…)`."""
    return _Or404(missing)
