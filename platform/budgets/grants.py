"""Grants: one-time extras on a budget, each with a reason. A grant ends when it is used up or expires."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from budgets.models import Budget, Grant
from budgets.periods import (
    add_grant,
    find_latest_period,
    record_grant_use,
    update_recheck_at,
    withdraw_expired_grants,
)


@transaction.atomic
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
    now = now or timezone.now()
    if tokens < 0 or microdollars < 0 or not tokens + microdollars:
        raise ValueError("A grant needs tokens or microdollars, and neither may be negative.")
    if expires_at <= now:
        raise ValueError("A grant must expire in the future.")
    budget = Budget.objects.select_for_update(no_key=True).get(pk=budget.pk)
    grant = Grant.objects.create(
        budget=budget,
        tokens=tokens,
        microdollars=microdollars,
        left_tokens=tokens,
        left_microdollars=microdollars,
        given_at=now,
        expires_at=expires_at,
        reason=reason,
        given_by=by,
    )
    opened = find_latest_period(budget, lock=True)
    if opened and opened.rows[0].is_open(now):
        withdraw_expired_grants(opened, now)
        add_grant(opened, grant, now)
        update_recheck_at(opened)
    return grant


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
