"""Pages of a long list, newest first.

A page begins after the last row of the page before it, not at an offset, so rows that are added or deleted in between
cause no gaps or repeats.
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
    """`older` is the cursor of the next page; empty on the last page."""

    rows: Sequence[Row]
    older: str = ""


def paginate[Row: Model](rows: QuerySet[Row], *, by: str, size: int, cursor: str = "") -> Page[Row]:
    """Return the `size` rows after `cursor`, newest first by the field `by` and then by key.

    The cursor contains the time of the last row, as that row may have been deleted or changed since.
    Raises Http404 for a malformed cursor.
    """
    if cursor:
        microseconds, _, key = cursor.partition("_")
        try:
            at = EPOCH + timedelta(microseconds=int(microseconds))
            rows = rows.filter(Q(**{f"{by}__lte": at}), Q(**{f"{by}__lt": at}) | Q(pk__lt=key))
        except (ValueError, OverflowError, ValidationError) as error:
            raise Http404 from error
    fetched = list(rows.order_by(f"-{by}", "-pk")[: size + 1])
    shown = fetched[:size]
    return Page(shown, _build_cursor(shown[-1], by) if len(fetched) > size else "")


def _build_cursor(row: Model, by: str) -> str:
    return f"{(getattr(row, by) - EPOCH) // timedelta(microseconds=1)}_{row.pk}"
