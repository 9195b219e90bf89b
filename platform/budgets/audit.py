"""Whether the sums that the ledger keeps are the sums of its entries."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, F, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce

from budgets.models import EntryKind, Hold, HoldState, Period

FREES = (EntryKind.SETTLE, EntryKind.RETURN, EntryKind.RELEASE, EntryKind.EXPIRE)


@dataclass(frozen=True)
class Difference:
    """One sum that its entries do not bear out. `of` names the row: a day's number or a hold's key."""

    of: str
    what: str
    kept: int
    told: int

    def __str__(self) -> str:
        return f"{self.of}: {self.what} is {self.kept:,}, but its entries make {self.told:,}"


def differences() -> Iterator[Difference]:
    """Every sum of a day and every open hold that differs from what the entries tell.

    Each of its two questions is one statement and so sees one moment: it may run beside a busy site.
    """
    yield from _compared(_days_astray(), "day", "granted", "spent", "held", "spent_microdollars")
    yield from _compared(_holds_astray(), "hold", "held")


def _compared(rows: QuerySet[Any], of: str, *sums: str) -> Iterator[Difference]:
    for row in rows:
        for what in sums:
            kept, told = getattr(row, what), getattr(row, f"{what}_told")
            if kept != told:
                yield Difference(of=f"{of} {row.pk}", what=what, kept=kept, told=told)


def _days_astray() -> QuerySet[Period]:
    days = Period.objects.annotate(
        granted_told=_told(EntryKind.GRANT),
        spent_told=_told(EntryKind.SETTLE),
        held_told=_told(EntryKind.HOLD) - _told(*FREES),
        spent_microdollars_told=Coalesce(Sum("entries__microdollars"), 0),
    )
    return days.exclude(
        granted=F("granted_told"),
        spent=F("spent_told"),
        held=F("held_told"),
        spent_microdollars=F("spent_microdollars_told"),
    ).order_by("pk")


def _holds_astray() -> QuerySet[Hold]:
    holds = Hold.objects.annotate(
        held=Case(When(state=HoldState.HELD, then="tokens"), default=Value(0)),
        held_told=_told(EntryKind.HOLD) - _told(*FREES),
    )
    return holds.exclude(held=F("held_told")).order_by("created_at")


def _told(*kinds: EntryKind) -> Coalesce:
    return Coalesce(Sum("entries__tokens", filter=Q(entries__kind__in=kinds)), 0)
