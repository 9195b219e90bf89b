"""A plan says what a person is given; a family's cap stays under it."""

import pytest

from accounts.models import Person
from budgets.allowances import cap_set, plan_assign, plan_free, plan_save, plans_load
from budgets.models import Plan
from budgets.selectors import plan_of
from budgets.services import hold_settle
from budgets.spans import Length
from tests.budgets.purse import NEXT_MORNING, NOON, audit, hold_for, sums


@pytest.fixture
def pro(db: None) -> Plan:
    plans_load()
    return Plan.objects.get(slug=Plan.PRO)


def test_free_is_what_everybody_has(other_owner: Person) -> None:
    free = plan_free()
    assert plan_of(other_owner) == free
    assert hold_for(other_owner).period.granted == free.tokens
    assert plan_of(other_owner).slug == "free"


def test_reading_the_plan_of_a_person_writes_nothing(other_owner: Person) -> None:
    Plan.objects.all().delete()
    assert plan_of(other_owner).slug == "free"
    assert not Plan.objects.exists()


def test_free_allows_every_model_and_a_plan_may_name_its_own(db: None) -> None:
    assert plan_free().allows("whatever")
    own = Plan(model_names=["small"])
    assert own.allows("small")
    assert not own.allows("big")


def test_a_better_plan_counts_at_once(other_owner: Person, pro: Plan) -> None:
    period = hold_for(other_owner).period
    plan_assign(owner=other_owner, plan=pro, now=NOON)
    assert sums(period) == (pro.tokens, 0, 400)
    assert plan_of(other_owner) == pro
    audit()


def test_a_lesser_plan_never_takes_what_is_spent_and_held(other_owner: Person, pro: Plan) -> None:
    plan_assign(owner=other_owner, plan=pro)
    assert pro.tokens
    hold = hold_for(other_owner, prompt=0, answer=pro.tokens)
    hold_settle(key=hold.key, tokens=pro.tokens - 10, microdollars=0)
    plan_assign(owner=other_owner, plan=None, now=NOON)
    assert sums(hold.period) == (pro.tokens - 10, pro.tokens - 10, 0)
    assert hold_for(other_owner, now=NEXT_MORNING).period.granted == plan_free().tokens
    audit()


def test_a_familys_cap_stays_under_whatever_plan(other_owner: Person, pro: Plan) -> None:
    period = hold_for(other_owner).period
    cap_set(owner=other_owner, daily_tokens=900, now=NOON)
    plan_assign(owner=other_owner, plan=pro, now=NOON)
    assert sums(period) == (900, 0, 400)
    cap_set(owner=other_owner, daily_tokens=None, now=NOON)
    assert sums(period) == (pro.tokens, 0, 400)


def test_a_cap_above_the_plan_changes_nothing(other_owner: Person) -> None:
    cap_set(owner=other_owner, daily_tokens=10**9)
    assert hold_for(other_owner).period.granted == plan_free().tokens


def test_with_a_cap_a_monthly_plan_is_given_out_by_days(other_owner: Person) -> None:
    monthly = Plan.objects.create(
        slug="monthly", name="Monthly", tokens=310_000, microdollars=62_000, length=Length.MONTH
    )
    plan_assign(owner=other_owner, plan=monthly)
    budget = cap_set(owner=other_owner, daily_tokens=50_000)
    assert (budget.tokens, budget.microdollars, budget.length) == (10_000, 2000, Length.DAY)
    budget = cap_set(owner=other_owner, daily_tokens=4000)
    assert budget.tokens == 4000
    budget = cap_set(owner=other_owner, daily_tokens=None)
    assert (budget.tokens, budget.length) == (310_000, Length.MONTH)


def test_changing_free_changes_it_for_everybody_without_a_plan(other_owner: Person, pro: Plan) -> None:
    period = hold_for(other_owner).period
    free = plan_free()
    free.tokens = 600
    plan_save(plan=free, now=NOON)
    assert sums(period) == (600, 0, 400)
    audit()


def test_the_plans_that_come_are_made_once_and_an_admins_changes_stay(db: None) -> None:
    plans_load()
    Plan.objects.filter(slug="free").update(tokens=77)
    assert plans_load().tokens == 77
    assert Plan.objects.count() == 2
