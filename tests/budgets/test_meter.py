"""What a person sees of their budget."""

from datetime import timedelta

from django.conf import settings
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from budgets.allowances import set_allowance
from budgets.models import Budget
from budgets.selectors import SHORT_ANSWER_TOKENS, Meter, get_meter
from budgets.services import settle_hold
from tests.budgets.ledger import NEXT_MORNING, NOON, make_hold


def test_an_unused_budget_is_full_and_reading_it_writes_nothing(
    other_owner: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        full = get_meter(owner=other_owner, now=NOON)
    assert full == Meter(granted=settings.TUTOR_DAILY_TOKENS, spent=0, held=0, refills_at=NEXT_MORNING)
    assert full.left == full.granted
    assert full.fraction_left == 1.0
    assert not Budget.objects.filter(owner=other_owner).exists()


def test_the_meter_shows_what_is_spent_held_and_left(
    budget_owner: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settle_hold(key=make_hold(budget_owner).key, tokens=250, microdollars=0)
    make_hold(budget_owner, prompt=20, answer=50)
    with django_assert_num_queries(2):
        today = get_meter(owner=budget_owner, now=NOON)
    assert today == Meter(granted=1000, spent=250, held=70, refills_at=NEXT_MORNING)
    assert (today.left, today.fraction_left) == (680, 0.68)
    assert today.short_answers == 680 // SHORT_ANSWER_TOKENS == 1


def test_after_seven_the_meter_shows_the_new_day_before_any_hold(budget_owner: Person) -> None:
    make_hold(budget_owner)
    morning = get_meter(owner=budget_owner, now=NEXT_MORNING)
    assert morning == Meter(granted=1000, spent=0, held=0, refills_at=NEXT_MORNING + timedelta(days=1))
    assert budget_owner.budget.periods.count() == 1


def test_the_meter_shows_the_shortened_day_after_a_move(budget_owner: Person) -> None:
    make_hold(budget_owner)
    budget_owner.time_zone = "Asia/Tokyo"
    foretold = get_meter(owner=budget_owner, now=NEXT_MORNING)
    begun = make_hold(budget_owner, now=NEXT_MORNING, prompt=1, answer=1, least=1).period
    assert (foretold.granted, foretold.refills_at) == (begun.granted, begun.ends_at) == (291, begun.ends_at)


def test_no_allowance_is_an_empty_budget(budget_owner: Person) -> None:
    set_allowance(budget=budget_owner.budget, tokens=0, now=NOON)
    empty = get_meter(owner=budget_owner, now=NOON)
    assert (empty.left, empty.short_answers, empty.fraction_left) == (0, 0, 0.0)
