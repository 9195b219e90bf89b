"""Pages of a long list, newest first.

A page begins after the row that ended the one before it, not at a number, so rows that are added or deleted in the
meantime make it neither skip nor repeat any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import Http404

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Page[Row: Model]:
    """`older` is the cursor of the next page, or empty on the last one."""

    rows: Sequence[Row]
    older: str = ""


def paginate[Row: Model](rows: QuerySet[Row], *, by: str, size: int, cursor: str = "") -> Page[Row]:
    """The `size` rows after `cursor`, newest first by the time `by` and then by key.

    The cursor carries the time of the last row and does not look it up: that row may be gone, or may have moved.
    Raises Http404 for a cursor that this function did not make.
    """
    if cursor:
        microseconds, _, key = cursor.partition("_")
        try:
            at = EPOCH + timedelta(microseconds=int(microseconds))
            rows = rows.filter(Q(**{f"{by}__lte": at}), Q(**{f"{by}__lt": at}) | Q(pk__lt=key))
        except (ValueError, OverflowError, ValidationError) as fault:
            raise Http404 from fault
    found = list(rows.order_by(f"-{by}", "-pk")[: size + 1])
    shown = found[:size]
    return Page(shown, _cursor(shown[-1], by) if len(found) > size else "")


def _cursor(row: Model, by: str) -> str:
    return f"{(getattr(row, by) - EPOCH) // timedelta(microseconds=1)}_{row.pk}"
