"""Something extra on a budget, once: given with a reason, gone when it is used up or expires."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from budgets.models import Budget, Grant
from budgets.periods import (
    add_grant,
    find_latest_period,
    record_grant_use,
    take_back_expired_grants,
    update_open_until,
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
    """Add to what a budget's holds may take, in its open period and the next ones, until it is used or expires."""
    now = now or timezone.now()
    if tokens < 0 or microdollars < 0 or not tokens + microdollars:
        raise ValueError("A grant is of something.")
    if expires_at <= now:
        raise ValueError("A grant expires later than it is given.")
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
        take_back_expired_grants(opened, now)
        add_grant(opened, grant, now)
        update_open_until(opened)
    return grant


def expire_grants(*, now: datetime | None = None) -> int:
    """End every grant whose time is over, a transaction for each budget. Returns how many there were."""
    now = now or timezone.now()
    expired = Grant.objects.filter(closed_at=None, expires_at__lte=now)
    return sum(
        _expire_grants_of(budget, now) for budget in sorted(set(expired.values_list("budget", flat=True)))
    )


@transaction.atomic
def _expire_grants_of(budget_id: int, now: datetime) -> int:
    budget = Budget.objects.select_for_update(no_key=True).get(pk=budget_id)
    opened = find_latest_period(budget, lock=True)
    ended = 0
    if opened and opened.rows[0].is_open(now):
        ended = take_back_expired_grants(opened, now)
    elif opened:
        record_grant_use(opened)
    # Those that no period has counted.
    rest = Grant.objects.filter(budget=budget, closed_at=None, counted_in=None, expires_at__lte=now)
    return ended + rest.update(closed_at=now)
