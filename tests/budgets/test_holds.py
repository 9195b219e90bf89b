"""A hold sets tokens aside; it settles, is released or expires, once."""

import logging
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Person
from budgets.errors import HoldAlreadyResolved, HoldKeyTaken, HoldNotFound, InsufficientBudget, LedgerError
from budgets.models import Hold, HoldState, LedgerEntry
from budgets.services import absorb_hold, create_hold, expire_holds, release_hold, settle_hold
from budgets.tasks import expire_holds as expire_holds_task
from tests.budgets.ledger import (
    LEASE,
    NEXT_MORNING,
    NOON,
    audit_text,
    get_period_sums,
    list_entries,
    make_hold,
)


def get_columns(hold: Hold) -> dict[str, object]:
    return {field.attname: getattr(hold, field.attname) for field in Hold._meta.concrete_fields}


def test_a_hold_sets_prompt_and_answer_aside(budget_owner: Person) -> None:
    hold = make_hold(budget_owner, prompt=100, answer=300)
    assert (hold.prompt_tokens, hold.answer_tokens, hold.tokens) == (100, 300, 400)
    assert (hold.state, hold.created_at, hold.expires_at) == (HoldState.HELD, NOON, NOON + LEASE)
    assert get_period_sums(hold.period) == (1000, 0, 400)
    assert list_entries(hold) == [("hold", 400, 0)]


def test_the_returned_hold_equals_the_saved_one(budget_owner: Person) -> None:
    hold = make_hold(budget_owner, answer_price=70)
    assert get_columns(hold) == get_columns(Hold.objects.get())


def test_a_low_budget_shortens_the_answer_before_it_refuses(budget_owner: Person) -> None:
    make_hold(budget_owner, prompt=400, answer=400)
    hold = make_hold(budget_owner, prompt=100, answer=300, least=50)
    assert (hold.prompt_tokens, hold.answer_tokens) == (100, 100)
    assert get_period_sums(hold.period) == (1000, 0, 1000)


def test_too_little_for_the_minimum_answer_holds_nothing_and_says_why(budget_owner: Person) -> None:
    first = make_hold(budget_owner, prompt=400, answer=460)
    with pytest.raises(InsufficientBudget, match="Not enough") as raised:
        make_hold(budget_owner, prompt=100, answer=300, least=50)
    assert (raised.value.needed, raised.value.left, raised.value.refills_at) == (150, 140, NEXT_MORNING)
    assert get_period_sums(first.period) == (1000, 0, 860)
    assert Hold.objects.count() == 1


def test_exactly_enough_is_enough(budget_owner: Person) -> None:
    hold = make_hold(budget_owner, prompt=950, answer=300, least=50)
    assert hold.answer_tokens == 50
    assert get_period_sums(hold.period) == (1000, 0, 1000)


def test_the_same_key_again_returns_the_same_hold(budget_owner: Person) -> None:
    hold = make_hold(budget_owner)
    again = make_hold(budget_owner, key=hold.key, prompt=1, answer=2, least=1)
    assert (again.key, again.tokens) == (hold.key, 400)
    assert get_period_sums(hold.period) == (1000, 0, 400)


@pytest.mark.parametrize(
    "resolve", [release_hold, lambda **how: settle_hold(tokens=9, microdollars=0, **how)]
)
def test_the_same_key_again_returns_a_resolved_hold_too(
    budget_owner: Person, resolve: Callable[..., Hold]
) -> None:
    hold = make_hold(budget_owner)
    resolve(key=hold.key, now=NOON)
    assert make_hold(budget_owner, key=hold.key).state != HoldState.HELD
    assert Hold.objects.count() == 1


def test_the_same_key_needs_no_budget_left_and_no_new_day(budget_owner: Person) -> None:
    hold = make_hold(budget_owner, prompt=500, answer=500)
    assert make_hold(budget_owner, key=hold.key).key == hold.key
    assert make_hold(budget_owner, key=hold.key, now=NEXT_MORNING).period == hold.period


def test_the_same_key_keeps_the_callers_transaction_usable(budget_owner: Person) -> None:
    hold = make_hold(budget_owner)
    with transaction.atomic():
        assert make_hold(budget_owner, key=hold.key).key == hold.key
        assert make_hold(budget_owner).key != hold.key


def test_another_owners_key_is_refused(budget_owner: Person, other_owner: Person) -> None:
    hold = make_hold(other_owner)
    with pytest.raises(HoldKeyTaken):
        make_hold(budget_owner, key=hold.key)
    assert Hold.objects.count() == 1


@pytest.mark.parametrize(
    ("prompt", "answer", "least"), [(-1, 300, 50), (100, 40, 50), (100, 300, 0), (100, 300, -5)]
)
def test_an_invalid_hold_is_refused(budget_owner: Person, prompt: int, answer: int, least: int) -> None:
    with pytest.raises(ValueError, match="answer"):
        make_hold(budget_owner, prompt=prompt, answer=answer, least=least)


def test_settling_charges_the_cost_and_returns_the_rest(budget_owner: Person) -> None:
    hold = make_hold(budget_owner, prompt_price=500, answer_price=1500)
    settle_hold(key=hold.key, tokens=250, microdollars=1234, now=NOON + timedelta(seconds=9))
    settled = Hold.objects.get()
    assert (settled.state, settled.resolved_at) == (HoldState.SETTLED, NOON + timedelta(seconds=9))
    assert get_period_sums(hold.period) == (1000, 250, 0)
    assert hold.period.spent_microdollars == 1234
    assert list_entries(hold) == [("hold", 400, 2000), ("settle", 250, 1234)]


def test_only_the_site_pays_for_failed_work(budget_owner: Person) -> None:
    hold = make_hold(budget_owner, prompt_price=500, answer_price=1500)
    absorb_hold(key=hold.key, tokens=250, microdollars=1234)
    hold.refresh_from_db()
    assert hold.state == HoldState.RELEASED
    assert get_period_sums(hold.period) == (1000, 0, 0)
    assert hold.period.spent_microdollars == 0
    assert hold.site_period
    assert get_period_sums(hold.site_period)[1:] == (250, 0)
    assert hold.site_period.spent_microdollars == 1234
    assert list_entries(hold)[1:] == [("release", 400, 2000), ("absorb", 250, 1234)]
    audit_text()


def test_failed_work_beyond_its_hold_is_an_overrun(budget_owner: Person) -> None:
    hold = make_hold(budget_owner, answer_price=9)
    absorb_hold(key=hold.key, tokens=450, microdollars=10)
    assert list_entries(hold)[1:] == [("release", 400, 9), ("absorb", 400, 9), ("overrun", 50, 1)]
    with pytest.raises(HoldAlreadyResolved):
        absorb_hold(key=hold.key, tokens=1, microdollars=1)
    audit_text()


@pytest.mark.parametrize(
    ("tokens", "microdollars", "entries"),
    [
        (400, 5, [("settle", 400, 5)]),
        (0, 5, [("settle", 0, 5)]),
        (0, 0, [("settle", 0, 0)]),
    ],
    ids=["all of it", "money alone", "nothing at all"],
)
def test_settling_records_entries(
    budget_owner: Person, tokens: int, microdollars: int, entries: list[tuple[str, int, int]]
) -> None:
    hold = make_hold(budget_owner, answer_price=9)
    settle_hold(key=hold.key, tokens=tokens, microdollars=microdollars)
    assert list_entries(hold)[1:] == entries
    assert get_period_sums(hold.period) == (1000, tokens, 0)
    audit_text()


def test_tokens_beyond_the_hold_are_an_overrun_that_no_budget_pays_and_a_logged_error(
    budget_owner: Person, caplog: pytest.LogCaptureFixture
) -> None:
    hold = make_hold(budget_owner, answer_price=50)
    settle_hold(key=hold.key, tokens=430, microdollars=50)
    assert get_period_sums(hold.period) == (1000, 400, 0)
    assert list_entries(hold)[1:] == [("settle", 400, 50), ("overrun", 30, 0)]
    (record,) = caplog.records
    assert (record.levelno, record.name) == (logging.ERROR, "budgets.services")
    assert "overrun by 30 tokens" in record.getMessage()
    audit_text()


def test_a_negative_cost_is_refused(budget_owner: Person) -> None:
    hold = make_hold(budget_owner)
    with pytest.raises(ValueError, match="not be negative"):
        settle_hold(key=hold.key, tokens=-1, microdollars=0)


def test_releasing_returns_everything(budget_owner: Person) -> None:
    hold = make_hold(budget_owner)
    release_hold(key=hold.key, now=NOON)
    assert Hold.objects.get().state == HoldState.RELEASED
    assert get_period_sums(hold.period) == (1000, 0, 0)
    assert list_entries(hold) == [("hold", 400, 0), ("release", 400, 0)]


def test_a_hold_resolves_once(budget_owner: Person) -> None:
    hold = make_hold(budget_owner)
    settle_hold(key=hold.key, tokens=100, microdollars=0)
    with pytest.raises(HoldAlreadyResolved, match="already resolved") as raised:
        settle_hold(key=hold.key, tokens=100, microdollars=0)
    assert raised.value.state == HoldState.SETTLED
    with pytest.raises(HoldAlreadyResolved):
        release_hold(key=hold.key)
    assert get_period_sums(hold.period) == (1000, 100, 0)
    assert len(list_entries(hold)) == 2


def test_an_unknown_key_is_refused(db: None) -> None:
    with pytest.raises(HoldNotFound):
        settle_hold(key=uuid4(), tokens=1, microdollars=0)
    with pytest.raises(HoldNotFound, match="No hold has this key"):
        release_hold(key=uuid4())
    assert issubclass(HoldNotFound, LedgerError)


def test_a_hold_past_its_lease_expires_and_others_stay(budget_owner: Person) -> None:
    overdue = make_hold(budget_owner, now=NOON)
    fresh = make_hold(budget_owner, now=NOON + timedelta(minutes=1))
    assert expire_holds(now=NOON + LEASE) == 1
    overdue.refresh_from_db()
    assert (overdue.state, overdue.resolved_at) == (HoldState.EXPIRED, NOON + LEASE)
    assert list_entries(overdue) == [("hold", 400, 0), ("expire", 400, 0)]
    assert get_period_sums(fresh.period) == (1000, 0, 400)
    with pytest.raises(HoldAlreadyResolved) as raised:
        settle_hold(key=overdue.key, tokens=10, microdollars=0)
    assert raised.value.state == HoldState.EXPIRED


def test_a_hold_past_its_lease_may_still_settle_until_it_has_expired(budget_owner: Person) -> None:
    hold = make_hold(budget_owner)
    settle_hold(key=hold.key, tokens=10, microdollars=0, now=NOON + 2 * LEASE)
    assert expire_holds(now=NOON + 2 * LEASE) == 0


def test_the_task_expires_overdue_holds(budget_owner: Person) -> None:
    make_hold(budget_owner, now=timezone.now() - LEASE)
    assert expire_holds_task() == 1
    assert expire_holds_task.name == "budgets.tasks.expire_holds"


def test_a_hold_and_its_settling_are_one_statement_each(budget_owner: Person) -> None:
    make_hold(budget_owner)
    with CaptureQueriesContext(connection) as queries:
        hold = create_hold(
            owner=budget_owner,
            key=uuid4(),
            prompt_tokens=1,
            answer_tokens=2,
            min_answer_tokens=1,
            lease=LEASE,
            now=NOON,
        )
        settle_hold(key=hold.key, tokens=2, microdollars=0)
    # Also inside the test's transaction: the savepoint is in the function.
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "SELECT"]
    assert LedgerEntry.objects.filter(hold=hold).count() == 2
