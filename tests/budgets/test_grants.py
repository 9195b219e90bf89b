"""A grant adds to what can be held, across periods, until it is used up or expires."""

from datetime import datetime, timedelta

import pytest

from accounts.models import Person
from budgets.allowances import get_site_budget, set_allowance
from budgets.errors import InsufficientBudget
from budgets.grants import create_grant, expire_grants
from budgets.models import BudgetScope, Grant, Period
from budgets.services import release_hold, settle_hold
from budgets.tasks import expire_grants as expire_grants_task
from tests.budgets.ledger import NEXT_MORNING, NOON, audit_text, get_period_sums, make_hold, set_budget

LATER = NOON + timedelta(hours=2)
IN_A_WEEK = NOON + timedelta(days=7)


def give(owner: Person, tokens: int, *, expires_at: datetime = IN_A_WEEK, now: datetime = NOON) -> Grant:
    return create_grant(
        budget=owner.budget, tokens=tokens, expires_at=expires_at, reason="A science fair.", now=now
    )


def get_left_and_closed(grant: Grant) -> tuple[int, bool]:
    grant.refresh_from_db()
    return grant.left_tokens, grant.closed_at is not None


def test_a_grant_can_be_held_at_once(budget_owner: Person) -> None:
    period = make_hold(budget_owner, prompt=500, answer=500).period
    give(budget_owner, 300)
    assert get_period_sums(period) == (1300, 0, 1000)
    assert make_hold(budget_owner, prompt=100, answer=200).tokens == 300
    audit_text()


def test_the_rest_carries_over_into_the_next_day(budget_owner: Person) -> None:
    hold = make_hold(budget_owner, prompt=500, answer=500)
    grant = give(budget_owner, 300)
    more = make_hold(budget_owner, prompt=0, answer=100)
    for held in (hold, more):
        settle_hold(key=held.key, tokens=held.tokens, microdollars=0)
    tomorrow = make_hold(budget_owner, now=NEXT_MORNING).period
    assert tomorrow.granted == 1000 + 200
    assert get_left_and_closed(grant) == (200, False)
    audit_text()


def test_the_allowance_is_used_before_a_grant(budget_owner: Person) -> None:
    make_hold(budget_owner)
    grant = give(budget_owner, 300)
    assert make_hold(budget_owner, now=NEXT_MORNING).period.granted == 1300
    assert get_left_and_closed(grant) == (300, False)


def test_a_grant_ends_when_it_is_used_up(budget_owner: Person) -> None:
    make_hold(budget_owner, prompt=500, answer=500)
    grant = give(budget_owner, 300)
    make_hold(budget_owner, prompt=0, answer=300)
    assert make_hold(budget_owner, now=NEXT_MORNING).period.granted == 1000
    assert get_left_and_closed(grant) == (0, True)


def test_a_grant_given_between_days_counts_from_the_next(budget_owner: Person) -> None:
    make_hold(budget_owner)
    give(budget_owner, 300, now=NEXT_MORNING)
    assert make_hold(budget_owner, now=NEXT_MORNING).period.granted == 1300
    audit_text()


def test_the_task_withdraws_an_expired_grant(budget_owner: Person) -> None:
    period = make_hold(budget_owner).period
    grant = give(budget_owner, 300, expires_at=LATER)
    assert expire_grants(now=LATER - timedelta(seconds=1)) == 0
    assert expire_grants(now=LATER) == 1
    assert expire_grants(now=LATER) == 0
    assert get_period_sums(period) == (1000, 0, 400)
    assert get_left_and_closed(grant) == (300, True)
    audit_text()


def test_a_hold_before_the_task_withdraws_an_expired_grant(budget_owner: Person) -> None:
    give_before = make_hold(budget_owner)
    give(budget_owner, 300, expires_at=LATER)
    with pytest.raises(InsufficientBudget) as short:
        make_hold(budget_owner, prompt=800, now=LATER)
    assert short.value.left == 600
    assert make_hold(budget_owner, prompt=0, answer=700, now=LATER).answer_tokens == 600
    assert get_period_sums(give_before.period) == (1000, 0, 1000)
    audit_text()


def test_a_grants_spent_and_held_part_stays_covered(budget_owner: Person) -> None:
    make_hold(budget_owner, prompt=500, answer=500)
    grant = give(budget_owner, 300, expires_at=LATER)
    held = make_hold(budget_owner, prompt=0, answer=100)
    assert expire_grants(now=LATER) == 1
    assert get_period_sums(held.period) == (1100, 0, 1100)
    assert get_left_and_closed(grant) == (200, True)
    release_hold(key=held.key)
    audit_text()


def test_the_grant_that_expires_first_is_used_first(budget_owner: Person) -> None:
    make_hold(budget_owner, prompt=500, answer=500)
    late, soon = give(budget_owner, 300), give(budget_owner, 300, expires_at=LATER)
    used = make_hold(budget_owner, prompt=0, answer=400)
    settle_hold(key=used.key, tokens=400, microdollars=0)
    assert expire_grants(now=LATER) == 1
    assert get_left_and_closed(soon) == (0, True)
    assert make_hold(budget_owner, now=NEXT_MORNING).period.granted == 1000 + 200
    assert get_left_and_closed(late) == (200, False)
    audit_text()


def test_a_changed_allowance_leaves_a_grant_alone(budget_owner: Person) -> None:
    period = make_hold(budget_owner).period
    give(budget_owner, 300, expires_at=LATER)
    set_budget(budget_owner, tokens=2000, now=NOON)
    assert get_period_sums(period) == (2300, 0, 400)
    set_budget(budget_owner, tokens=None, now=NOON)
    expire_grants(now=LATER)
    set_budget(budget_owner, tokens=500, now=NOON)
    assert get_period_sums(period) == (500, 0, 400)
    audit_text()


def test_money_can_be_given_too_and_on_the_sites_budget(budget_owner: Person) -> None:
    site = set_allowance(budget=get_site_budget(), tokens=None, microdollars=100, now=NOON)
    make_hold(budget_owner, answer_price=100)
    with pytest.raises(InsufficientBudget):
        make_hold(budget_owner, answer_price=100)
    create_grant(budget=site, microdollars=160, expires_at=LATER, reason="An open day.", now=NOON)
    assert make_hold(budget_owner, answer_price=100).microdollars == 100
    expire_grants(now=LATER)
    shards = Period.objects.filter(budget__scope=BudgetScope.SITE)
    assert sum(shard.granted_microdollars for shard in shards) == 200
    audit_text()


@pytest.mark.parametrize(
    ("tokens", "expires_at", "why"),
    [(0, IN_A_WEEK, "needs tokens"), (-1, IN_A_WEEK, "needs tokens"), (5, NOON, "in the future")],
)
def test_an_invalid_grant_is_refused(
    budget_owner: Person, tokens: int, expires_at: datetime, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        give(budget_owner, tokens, expires_at=expires_at)


def test_the_task_ends_expired_grants(budget_owner: Person) -> None:
    give(budget_owner, 5, expires_at=LATER)
    Grant.objects.update(given_at=NOON - timedelta(days=999), expires_at=NOON - timedelta(days=998))
    assert expire_grants_task() == 1
