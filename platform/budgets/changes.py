"""Record what was changed about budgets: who, when, and the values before and after. In the change's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Person
from budgets.models import Budget, BudgetChange, ChangeKind, Grant, Plan
from kit.sql import read_sql

RECORD_GRANTS = read_sql(__file__, "record_grants")


def record_change(
    kind: ChangeKind,
    *,
    by: Person | None = None,
    budget: Budget | None = None,
    plan: Plan | None = None,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    note: str = "",
    now: datetime | None = None,
) -> BudgetChange:
    """Record a change. `by` is None for what a family or the site itself changed."""
    return BudgetChange.objects.create(
        at=now or timezone.now(),
        by=by,
        kind=kind,
        budget=budget,
        plan=plan,
        before=dict(before),
        after=dict(after),
        note=note,
    )


def record_grants(grants: Sequence[Grant]) -> None:
    """Record that these grants were given."""
    with connection.cursor() as cursor:
        cursor.execute(RECORD_GRANTS, {"grants": [grant.pk for grant in grants]})
