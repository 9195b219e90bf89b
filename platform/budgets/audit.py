"""Check the ledger's stored sums against its entries."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from budgets.models import Audit, LedgerEntry
from kit.sql import read_sql

logger = logging.getLogger(__name__)
# An audit counts every difference but stores only the first of them.
MAX_LISTED = 20


@dataclass(frozen=True)
class LedgerDifference:
    """A stored sum that does not match the ledger entries. `row` is a period's id or a hold's key, with its type."""

    row: str
    column: str
    stored: int
    expected: int

    def __str__(self) -> str:
        return f"{self.row}: {self.column} is {self.stored:,}, but its entries make {self.expected:,}"


# Each check is one statement with one snapshot, so it can run while the site is busy.
STATEMENTS = [
    read_sql(__file__, name) for name in ("audit_sums", "audit_shards", "audit_grants", "audit_usage")
]


def find_ledger_differences() -> Iterator[LedgerDifference]:
    """Yield every sum of a period, hold, grant or site shard that differs from its ledger entries."""
    for statement in STATEMENTS:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            rows = cursor.fetchall()
        for row, column, stored, expected in rows:
            yield LedgerDifference(row=row, column=column, stored=stored, expected=expected)


def audit_ledger() -> Audit:
    """Run every check, log an error for each difference, and save the result."""
    differences = list(find_ledger_differences())
    for difference in differences:
        logger.error("The ledger and its entries disagree. %s", difference)
    return Audit.objects.create(
        entries=LedgerEntry.objects.count(),
        differences=len(differences),
        first=[str(difference) for difference in differences[:MAX_LISTED]],
    )
