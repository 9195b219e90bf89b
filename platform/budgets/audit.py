"""Whether the sums that the ledger keeps are the sums of its entries."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from budgets.models import Audit, LedgerEntry
from kit.sql import read_sql

logger = logging.getLogger(__name__)
# So many differences are written down with an audit; they are all counted.
MAX_LISTED = 20


@dataclass(frozen=True)
class Difference:
    """One sum that its entries do not bear out. `of` names the row: a period's number or a hold's key."""

    row: str
    column: str
    stored: int
    expected: int

    def __str__(self) -> str:
        return f"{self.row}: {self.column} is {self.stored:,}, but its entries make {self.expected:,}"


# Each is one statement and so sees one moment: it may run beside a busy site.
STATEMENTS = [read_sql(__file__, name) for name in ("audit_sums", "audit_shards", "audit_grants")]


def find_differences() -> Iterator[Difference]:
    """Every sum of a period, a hold, a grant or the site's shards that differs from what the entries tell."""
    for statement in STATEMENTS:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            rows = cursor.fetchall()
        for row, column, stored, expected in rows:
            yield Difference(row=row, column=column, stored=stored, expected=expected)


def audit_ledger() -> Audit:
    """Compare everything, write down what was found, and log an error for each difference."""
    found = list(find_differences())
    for difference in found:
        logger.error("The ledger and its entries disagree. %s", difference)
    return Audit.objects.create(
        entries=LedgerEntry.objects.count(),
        differences=len(found),
        first=[str(difference) for difference in found[:MAX_LISTED]],
    )
