"""A plan sets a person's limits, and a family's cap can only lower them."""

import pytest

from accounts.models import Person
from budgets.allowances import assign_plan, get_free_plan, load_plans, save_plan, set_cap
from budgets.calendar import PeriodLength
from budgets.models import Plan
from budgets.selectors import get_plan
from budgets.services import settle_hold
from routing.models import TutorModel
from tests.budgets.ledger import NEXT_MORNING, NOON, audit_text, get_period_sums, make_hold


@pytest.fixture
def pro(db: None) -> Plan:
    load_plans()
    return Plan.objects.get(slug=Plan.PRO)


def test_everyone_starts_on_free(other_owner: Person) -> None:
    free = get_free_plan()
    assert get_plan(other_owner) == free
    assert make_hold(other_owner).period.granted == free.tokens
    assert get_plan(other_owner).slug == "free"


def test_reading_the_plan_of_a_person_writes_nothing(other_owner: Person) -> None:
    Plan.objects.all().delete()
    assert get_plan(other_owner).slug == "free"
    assert not Plan.objects.exists()


def test_free_allows_every_model_and_a_plan_may_name_its_own(other_owner: Person, pro: Plan) -> None:
    assert list(get_plan(other_owner).model_ids) == []
    small = TutorModel.objects.create(name="Small", base_url="http://127.0.0.1:9/v1", model_name="small")
    pro.tutor_models.add(small)
    assign_plan(owner=other_owner, plan=pro)
    assert list(get_plan(other_owner).model_ids) == [small.pk]


def test_a_better_plan_counts_at_once(other_owner: Person, pro: Plan) -> None:
    period = make_hold(other_owner).period
    assign_plan(owner=other_owner, plan=pro, now=NOON)
    assert get_period_sums(period) == (pro.tokens, 0, 400)
    assert get_plan(other_owner) == pro
    audit_text()


def test_a_smaller_plan_keeps_what_is_spent_and_held_covered(other_owner: Person, pro: Plan) -> None:
    assign_plan(owner=other_owner, plan=pro)
    assert pro.tokens
    hold = make_hold(other_owner, prompt=0, answer=pro.tokens)
    settle_hold(key=hold.key, tokens=pro.tokens - 10, microdollars=0)
    assign_plan(owner=other_owner, plan=None, now=NOON)
    assert get_period_sums(hold.period) == (pro.tokens - 10, pro.tokens - 10, 0)
    assert make_hold(other_owner, now=NEXT_MORNING).period.granted == get_free_plan().tokens
    audit_text()


def test_a_familys_cap_limits_any_plan(other_owner: Person, pro: Plan) -> None:
    period = make_hold(other_owner).period
    set_cap(owner=other_owner, daily_tokens=900, now=NOON)
    assign_plan(owner=other_owner, plan=pro, now=NOON)
    assert get_period_sums(period) == (900, 0, 400)
    set_cap(owner=other_owner, daily_tokens=None, now=NOON)
    assert get_period_sums(period) == (pro.tokens, 0, 400)


def test_a_cap_above_the_plan_changes_nothing(other_owner: Person) -> None:
    set_cap(owner=other_owner, daily_tokens=10**9)
    assert make_hold(other_owner).period.granted == get_free_plan().tokens


def test_with_a_cap_a_monthly_plan_is_split_into_days(other_owner: Person) -> None:
    monthly = Plan.objects.create(
        slug="monthly", name="Monthly", tokens=310_000, microdollars=62_000, period_length=PeriodLength.MONTH
    )
    assign_plan(owner=other_owner, plan=monthly)
    budget = set_cap(owner=other_owner, daily_tokens=50_000)
    assert (budget.tokens, budget.microdollars, budget.period_length) == (10_000, 2000, PeriodLength.DAY)
    budget = set_cap(owner=other_owner, daily_tokens=4000)
    assert budget.tokens == 4000
    budget = set_cap(owner=other_owner, daily_tokens=None)
    assert (budget.tokens, budget.period_length) == (310_000, PeriodLength.MONTH)


def test_changing_free_changes_the_limits_of_everyone_without_a_plan(other_owner: Person, pro: Plan) -> None:
    period = make_hold(other_owner).period
    free = get_free_plan()
    free.tokens = 600
    save_plan(plan=free, now=NOON)
    assert get_period_sums(period) == (600, 0, 400)
    audit_text()


def test_default_plans_are_created_once_and_keep_an_admins_changes(db: None) -> None:
    load_plans()
    Plan.objects.filter(slug="free").update(tokens=77)
    assert load_plans().tokens == 77
    assert Plan.objects.count() == 2
