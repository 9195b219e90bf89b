"""A grant adds to what may be held until it is used up or expires, and spans periods."""

from datetime import datetime, timedelta

import pytest

from accounts.models import Person
from budgets.allowances import allowance_set, site_budget
from budgets.errors import BudgetShort
from budgets.grants import grant_give, grants_expire
from budgets.models import Floor, Grant, Period
from budgets.services import hold_release, hold_settle
from budgets.tasks import grants_expire as grants_expire_task
from tests.budgets.purse import NEXT_MORNING, NOON, audit, hold_for, purse_make, sums

LATER = NOON + timedelta(hours=2)
IN_A_WEEK = NOON + timedelta(days=7)


def give(owner: Person, tokens: int, *, expires_at: datetime = IN_A_WEEK, now: datetime = NOON) -> Grant:
    return grant_give(
        budget=owner.budget, tokens=tokens, expires_at=expires_at, reason="A science fair.", now=now
    )


def left(grant: Grant) -> tuple[int, bool]:
    grant.refresh_from_db()
    return grant.left_tokens, grant.closed_at is not None


def test_it_can_be_held_at_once(purse_owner: Person) -> None:
    period = hold_for(purse_owner, prompt=500, answer=500).period
    give(purse_owner, 300)
    assert sums(period) == (1300, 0, 1000)
    assert hold_for(purse_owner, prompt=100, answer=200).tokens == 300
    audit()


def test_what_is_left_of_it_goes_along_into_the_next_day(purse_owner: Person) -> None:
    hold = hold_for(purse_owner, prompt=500, answer=500)
    grant = give(purse_owner, 300)
    more = hold_for(purse_owner, prompt=0, answer=100)
    for one in (hold, more):
        hold_settle(key=one.key, tokens=one.tokens, microdollars=0)
    tomorrow = hold_for(purse_owner, now=NEXT_MORNING).period
    assert tomorrow.granted == 1000 + 200
    assert left(grant) == (200, False)
    audit()


def test_the_allowance_is_used_before_it(purse_owner: Person) -> None:
    hold_for(purse_owner)
    grant = give(purse_owner, 300)
    assert hold_for(purse_owner, now=NEXT_MORNING).period.granted == 1300
    assert left(grant) == (300, False)


def test_it_is_over_when_it_is_used_up(purse_owner: Person) -> None:
    hold_for(purse_owner, prompt=500, answer=500)
    grant = give(purse_owner, 300)
    hold_for(purse_owner, prompt=0, answer=300)
    assert hold_for(purse_owner, now=NEXT_MORNING).period.granted == 1000
    assert left(grant) == (0, True)


def test_one_given_between_days_counts_from_the_next(purse_owner: Person) -> None:
    hold_for(purse_owner)
    give(purse_owner, 300, now=NEXT_MORNING)
    assert hold_for(purse_owner, now=NEXT_MORNING).period.granted == 1300
    audit()


def test_a_grant_that_expires_is_taken_back_by_beat(purse_owner: Person) -> None:
    period = hold_for(purse_owner).period
    grant = give(purse_owner, 300, expires_at=LATER)
    assert grants_expire(now=LATER - timedelta(seconds=1)) == 0
    assert grants_expire(now=LATER) == 1
    assert grants_expire(now=LATER) == 0
    assert sums(period) == (1000, 0, 400)
    assert left(grant) == (300, True)
    audit()


def test_and_by_the_next_hold_that_comes_before_beat(purse_owner: Person) -> None:
    give_before = hold_for(purse_owner)
    give(purse_owner, 300, expires_at=LATER)
    with pytest.raises(BudgetShort) as short:
        hold_for(purse_owner, prompt=800, now=LATER)
    assert short.value.left == 600
    assert hold_for(purse_owner, prompt=0, answer=700, now=LATER).answer_tokens == 600
    assert sums(give_before.period) == (1000, 0, 1000)
    audit()


def test_what_is_spent_and_held_of_it_stays_covered(purse_owner: Person) -> None:
    hold_for(purse_owner, prompt=500, answer=500)
    grant = give(purse_owner, 300, expires_at=LATER)
    held = hold_for(purse_owner, prompt=0, answer=100)
    assert grants_expire(now=LATER) == 1
    assert sums(held.period) == (1100, 0, 1100)
    assert left(grant) == (200, True)
    hold_release(key=held.key)
    audit()


def test_the_one_that_expires_first_is_used_first(purse_owner: Person) -> None:
    hold_for(purse_owner, prompt=500, answer=500)
    late, soon = give(purse_owner, 300), give(purse_owner, 300, expires_at=LATER)
    used = hold_for(purse_owner, prompt=0, answer=400)
    hold_settle(key=used.key, tokens=400, microdollars=0)
    assert grants_expire(now=LATER) == 1
    assert left(soon) == (0, True)
    assert hold_for(purse_owner, now=NEXT_MORNING).period.granted == 1000 + 200
    assert left(late) == (200, False)
    audit()


def test_a_changed_allowance_leaves_it_alone(purse_owner: Person) -> None:
    period = hold_for(purse_owner).period
    give(purse_owner, 300, expires_at=LATER)
    purse_make(purse_owner, tokens=2000, now=NOON)
    assert sums(period) == (2300, 0, 400)
    purse_make(purse_owner, tokens=None, now=NOON)
    grants_expire(now=LATER)
    purse_make(purse_owner, tokens=500, now=NOON)
    assert sums(period) == (500, 0, 400)
    audit()


def test_money_can_be_given_too_and_on_the_sites_budget(purse_owner: Person) -> None:
    site = allowance_set(budget=site_budget(), tokens=None, microdollars=100, now=NOON)
    hold_for(purse_owner, answer_price=100)
    with pytest.raises(BudgetShort):
        hold_for(purse_owner, answer_price=100)
    grant_give(budget=site, microdollars=160, expires_at=LATER, reason="An open day.", now=NOON)
    assert hold_for(purse_owner, answer_price=100).microdollars == 100
    grants_expire(now=LATER)
    shards = Period.objects.filter(budget__kind=Floor.SITE)
    assert sum(shard.granted_microdollars for shard in shards) == 200
    audit()


@pytest.mark.parametrize(
    ("tokens", "expires_at", "why"),
    [(0, IN_A_WEEK, "something"), (-1, IN_A_WEEK, "something"), (5, NOON, "later")],
)
def test_a_senseless_grant_is_a_mistake(
    purse_owner: Person, tokens: int, expires_at: datetime, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        give(purse_owner, tokens, expires_at=expires_at)


def test_beats_task_ends_what_is_over(purse_owner: Person) -> None:
    give(purse_owner, 5, expires_at=LATER)
    Grant.objects.update(given_at=NOON - timedelta(days=999), expires_at=NOON - timedelta(days=998))
    assert grants_expire_task() == 1
