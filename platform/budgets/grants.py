"""Something extra on a budget, once: given with a reason, gone when it is used up or expires."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from budgets.models import Budget, Grant
from budgets.periods import grant_count, grants_book, grants_take_back, open_until_set, period_latest


@transaction.atomic
def grant_give(
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
    opened = period_latest(budget, lock=True)
    if opened and opened.rows[0].is_open(now):
        grants_take_back(opened, now)
        grant_count(opened, grant, now)
        open_until_set(opened)
    return grant


def grants_expire(*, now: datetime | None = None) -> int:
    """End every grant whose time is over, a transaction for each budget. Returns how many there were."""
    now = now or timezone.now()
    expired = Grant.objects.filter(closed_at=None, expires_at__lte=now)
    return sum(_expire_on(budget, now) for budget in sorted(set(expired.values_list("budget", flat=True))))


@transaction.atomic
def _expire_on(budget_id: int, now: datetime) -> int:
    budget = Budget.objects.select_for_update(no_key=True).get(pk=budget_id)
    opened = period_latest(budget, lock=True)
    ended = 0
    if opened and opened.rows[0].is_open(now):
        ended = grants_take_back(opened, now)
    elif opened:
        grants_book(opened)
    # Those that no period has counted.
    rest = Grant.objects.filter(budget=budget, closed_at=None, counted_in=None, expires_at__lte=now)
    return ended + rest.update(closed_at=now)
