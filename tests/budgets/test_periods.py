"""A budget's days start with their first hold, also when clocks, time zones or allowances change."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from accounts.models import Person
from budgets.allowances import set_allowance
from budgets.errors import InsufficientBudget
from budgets.models import Budget, BudgetScope, EntryKind, LedgerEntry
from budgets.services import release_hold, settle_hold
from tests.budgets.ledger import NEXT_MORNING, NOON, audit_text, get_period_sums, make_hold


def move_to(owner: Person, zone: str) -> None:
    owner.time_zone = zone
    owner.save()


def test_a_first_hold_makes_the_budget_and_its_day(other_owner: Person) -> None:
    hold = make_hold(other_owner)
    budget = Budget.objects.get(owner=other_owner)
    assert budget.tokens == settings.TUTOR_DAILY_TOKENS
    assert hold.period.budget == budget
    assert hold.period.ends_at == NEXT_MORNING
    assert [(entry.kind, entry.tokens) for entry in hold.period.entries.filter(hold=None)] == [
        ("allowance", settings.TUTOR_DAILY_TOKENS)
    ]


def test_the_next_day_begins_with_the_first_hold_after_seven(budget_owner: Person) -> None:
    today = make_hold(budget_owner, prompt=500, answer=500).period
    with pytest.raises(InsufficientBudget):
        make_hold(budget_owner, now=NEXT_MORNING - timedelta(microseconds=1))
    tomorrow = make_hold(budget_owner, now=NEXT_MORNING).period
    assert tomorrow.starts_at == today.ends_at == NEXT_MORNING
    assert get_period_sums(tomorrow) == (1000, 0, 400)


def test_days_without_a_hold_leave_nothing_behind(budget_owner: Person) -> None:
    make_hold(budget_owner)
    make_hold(budget_owner, now=NOON + timedelta(days=30))
    assert budget_owner.budget.periods.count() == 2


def test_a_hold_settles_into_the_day_it_was_made_in(budget_owner: Person) -> None:
    late = make_hold(budget_owner, now=NEXT_MORNING - timedelta(seconds=5))
    early = make_hold(budget_owner, now=NEXT_MORNING + timedelta(seconds=5))
    assert late.period != early.period
    settle_hold(key=late.key, tokens=123, microdollars=4, now=NEXT_MORNING + timedelta(seconds=9))
    assert get_period_sums(late.period) == (1000, 123, 0)
    assert get_period_sums(early.period) == (1000, 0, 400)
    audit_text()


@pytest.mark.parametrize(
    ("evening", "morning", "hours"),
    [
        (datetime(2027, 3, 14, 3, tzinfo=UTC), datetime(2027, 3, 14, 14, tzinfo=UTC), 23),
        (datetime(2026, 11, 1, 3, tzinfo=UTC), datetime(2026, 11, 1, 15, tzinfo=UTC), 25),
    ],
    ids=["the clocks go forward", "the clocks go back"],
)
def test_seven_is_seven_on_both_sides_of_a_change_of_the_clocks(
    budget_owner: Person, evening: datetime, morning: datetime, hours: int
) -> None:
    before = make_hold(budget_owner, now=evening).period
    assert make_hold(budget_owner, now=morning - timedelta(seconds=1)).period == before
    after = make_hold(budget_owner, now=morning).period
    assert before.ends_at == after.starts_at == morning
    assert before.ends_at - before.starts_at == timedelta(hours=hours)
    assert before.granted == after.granted == 1000


def test_moving_zones_leaves_the_open_day_alone(budget_owner: Person) -> None:
    today = make_hold(budget_owner).period
    move_to(budget_owner, "Asia/Tokyo")
    assert make_hold(budget_owner, now=NEXT_MORNING - timedelta(seconds=1)).period == today


def test_the_day_after_a_move_starts_where_the_last_one_ended(budget_owner: Person) -> None:
    today = make_hold(budget_owner).period
    move_to(budget_owner, "Asia/Tokyo")
    # 7 a.m. in Los Angeles is midnight in Tokyo, seven hours before its next day starts.
    cut = make_hold(budget_owner, now=NEXT_MORNING, prompt=50, answer=100).period
    assert (cut.starts_at, cut.ends_at) == (today.ends_at, NEXT_MORNING + timedelta(hours=7))
    assert cut.granted == 1000 * 7 // 24
    whole = make_hold(budget_owner, now=cut.ends_at).period
    assert whole.ends_at - whole.starts_at == timedelta(days=1)
    assert whole.granted == 1000


def test_a_budget_unused_before_a_move_has_a_full_day_after_it(budget_owner: Person) -> None:
    make_hold(budget_owner)
    move_to(budget_owner, "Asia/Tokyo")
    period = make_hold(budget_owner, now=NEXT_MORNING + timedelta(days=3)).period
    assert period.granted == 1000


def test_a_clock_that_runs_behind_does_not_bring_yesterday_back(budget_owner: Person) -> None:
    make_hold(budget_owner)
    today = make_hold(budget_owner, now=NEXT_MORNING).period
    assert make_hold(budget_owner, now=NEXT_MORNING - timedelta(seconds=1)).period == today


def test_a_raised_allowance_counts_today(budget_owner: Person) -> None:
    period = make_hold(budget_owner).period
    set_allowance(budget=budget_owner.budget, tokens=1500, now=NOON)
    assert get_period_sums(period) == (1500, 0, 400)
    assert make_hold(budget_owner, now=NEXT_MORNING).period.granted == 1500
    audit_text()


def test_a_lowered_allowance_never_goes_below_what_is_spent_and_held(budget_owner: Person) -> None:
    spent = make_hold(budget_owner)
    settle_hold(key=spent.key, tokens=350, microdollars=0)
    held = make_hold(budget_owner)
    set_allowance(budget=budget_owner.budget, tokens=100, now=NOON)
    assert get_period_sums(held.period) == (750, 350, 400)
    assert held.period.entries.filter(kind=EntryKind.ALLOWANCE).last() == LedgerEntry.objects.get(tokens=-250)
    release_hold(key=held.key)
    assert make_hold(budget_owner, now=NEXT_MORNING, prompt=10, answer=50).period.granted == 100
    audit_text()


def test_an_allowance_changed_between_days_waits_for_the_next(budget_owner: Person) -> None:
    period = make_hold(budget_owner).period
    budget = set_allowance(budget=budget_owner.budget, tokens=2000, now=NEXT_MORNING)
    assert budget.tokens == 2000
    assert get_period_sums(period) == (1000, 0, 400)


def test_an_unchanged_allowance_records_no_entry(budget_owner: Person) -> None:
    make_hold(budget_owner)
    set_allowance(budget=budget_owner.budget, tokens=1000, now=NOON)
    assert LedgerEntry.objects.filter(kind=EntryKind.ALLOWANCE).count() == 1


def test_erasing_a_person_keeps_the_sums_without_the_person(budget_owner: Person) -> None:
    settled, held = make_hold(budget_owner), make_hold(budget_owner)
    settle_hold(key=settled.key, tokens=100, microdollars=9)
    budget_owner.delete()
    budget = Budget.objects.get(scope=BudgetScope.PERSON)
    assert budget.owner is None
    assert "budget-owner" not in str(budget)
    # A worker may still be answering.
    settle_hold(key=held.key, tokens=50, microdollars=1)
    assert get_period_sums(held.period) == (1000, 150, 0)
    audit_text()
