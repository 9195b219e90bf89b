"""Grants: one-time extras on a budget, each with a reason. A grant ends when it is used up or expires."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from budgets.changes import record_grants
from budgets.costs import UNITS
from budgets.models import Budget, EntryKind, Grant, GrantBatch, LedgerEntry, Period
from budgets.periods import (
    BATCH_SIZE,
    find_latest_period,
    list_latest_periods,
    record_grant_use,
    save_granted,
    withdraw_expired_grants,
)


@dataclass(frozen=True, kw_only=True)
class NewGrant:
    """A grant to give: tokens, micro-dollars or both, until `expires_at`."""

    budget: Budget
    tokens: int = 0
    microdollars: int = 0
    expires_at: datetime
    reason: str

    def check(self, now: datetime) -> None:
        """Raise ValueError unless it can be given at `now`."""
        if self.tokens < 0 or self.microdollars < 0 or not self.tokens + self.microdollars:
            raise ValueError("A grant needs tokens or microdollars, and neither may be negative.")
        if self.expires_at <= now:
            raise ValueError("A grant must expire in the future.")


def create_grant(
    *,
    budget: Budget,
    tokens: int = 0,
    microdollars: int = 0,
    expires_at: datetime,
    reason: str,
    by: Person | None = None,
    now: datetime | None = None,
) -> Grant:
    """Give a budget extra tokens or microdollars, in its open period and later ones, until used up or expired.

    Raises ValueError if the amounts are negative or both zero, or if `expires_at` is not after `now`.
    """
    new = NewGrant(
        budget=budget, tokens=tokens, microdollars=microdollars, expires_at=expires_at, reason=reason
    )
    return create_grants(new_grants=[new], by=by, now=now)[0]


@transaction.atomic
def create_grants(
    *,
    new_grants: Sequence[NewGrant],
    by: Person | None = None,
    batch: GrantBatch | None = None,
    now: datetime | None = None,
) -> list[Grant]:
    """Give several grants, all or none, as `create_grant` gives each. The budgets must be of one scope.

    The number of statements does not grow with each grant.
    """
    now = now or timezone.now()
    for new in new_grants:
        new.check(now)
    budgets = _lock_budgets(new.budget for new in new_grants)
    opened = {
        period.budget.pk: period
        for period in list_latest_periods(list(budgets.values()), lock=True)
        if period.rows[0].is_open(now)
    }
    for period in opened.values():
        if period.recheck_at <= now:
            withdraw_expired_grants(period, now)
    grants = Grant.objects.bulk_create(
        [
            Grant(
                budget=budgets[new.budget.pk],
                tokens=new.tokens,
                microdollars=new.microdollars,
                left_tokens=new.tokens,
                left_microdollars=new.microdollars,
                given_at=now,
                expires_at=new.expires_at,
                reason=new.reason,
                given_by=by,
                batch=batch,
                counted_period_start=opened[new.budget.pk].starts_at if new.budget.pk in opened else None,
            )
            for new in new_grants
        ],
        batch_size=BATCH_SIZE,
    )
    entries: list[LedgerEntry] = []
    for grant in grants:
        if (counted := opened.get(grant.budget_id)) is None:
            continue
        entries += counted.plan_granted(
            kind=EntryKind.GRANT,
            at=now,
            totals={unit: counted.sum("granted", unit) + getattr(grant, f"left_{unit}") for unit in UNITS},
            grant=grant,
        )
        for row in counted.rows:
            row.recheck_at = min(row.recheck_at, grant.expires_at)
    rows = [row for period in opened.values() for row in period.rows]
    save_granted(entries, rows)
    Period.objects.bulk_update(rows, ["recheck_at"], batch_size=BATCH_SIZE)
    record_grants(grants)
    return grants


def _lock_budgets(budgets: Iterable[Budget]) -> dict[int, Budget]:
    ids = {budget.pk for budget in budgets}
    rows = Budget.objects.filter(pk__in=ids).order_by("pk")
    return {row.pk: row for row in rows.select_for_update(no_key=True)}


def expire_grants(*, now: datetime | None = None) -> int:
    """End every grant that has expired, in one transaction per budget. Return how many ended."""
    now = now or timezone.now()
    expired = Grant.objects.filter(closed_at=None, expires_at__lte=now)
    return sum(
        _expire_budget_grants(budget, now) for budget in sorted(set(expired.values_list("budget", flat=True)))
    )


@transaction.atomic
def _expire_budget_grants(budget_id: int, now: datetime) -> int:
    budget = Budget.objects.select_for_update(no_key=True).get(pk=budget_id)
    opened = find_latest_period(budget, lock=True)
    ended = 0
    if opened and opened.rows[0].is_open(now):
        ended = withdraw_expired_grants(opened, now)
    elif opened:
        record_grant_use(opened)
    # Grants that no period has counted yet.
    rest = Grant.objects.filter(budget=budget, closed_at=None, counted_period_start=None, expires_at__lte=now)
    return ended + rest.update(closed_at=now)
