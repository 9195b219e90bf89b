"""Concurrent holds: nothing is granted twice, nothing is lost, and nothing deadlocks."""

import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from accounts.models import Person
from budgets.allowances import create_family_budget, get_site_budget, set_allowance, set_parent_budget
from budgets.errors import HoldAlreadyResolved
from budgets.models import SITE_SHARDS, Budget, BudgetScope, EntryKind, Hold, HoldState, LedgerEntry, Period
from budgets.services import expire_holds, release_hold, settle_hold
from tests.budgets.ledger import LEASE, NEXT_MORNING, NOON, audit_text, get_period_sums, make_hold, set_budget
from tests.budgets.rush import at_once, from_processes, holds_at_once

PROCESSES = 8 if os.environ.get("SOAK") else 2
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def crowd_owner(budget_owner: Person) -> Person:
    """A person with enough for exactly 25 holds of 400 tokens."""
    set_budget(budget_owner, tokens=10_000)
    return budget_owner


def assert_never_a_token_too_much(held: list[int]) -> None:
    period = Period.objects.get(budget__scope=BudgetScope.PERSON)
    assert sum(held) == period.held <= period.granted == 10_000
    # What is left is too little for any hold: a prompt and the minimum answer take 150.
    assert period.left < 150
    assert Hold.objects.count() == sum(1 for tokens in held if tokens)
    audit_text()


def test_two_hundred_holds_at_once_never_grant_a_token_more_than_there_is(crowd_owner: Person) -> None:
    held = holds_at_once(crowd_owner, 200)
    assert len(held) == 200
    assert_never_a_token_too_much(held)


def test_holds_from_several_processes_never_grant_a_token_too_much(crowd_owner: Person) -> None:
    held = from_processes("holds", [crowd_owner], processes=PROCESSES, count=50)
    assert len(held) == 50 * PROCESSES
    assert_never_a_token_too_much(held)


@pytest.mark.parametrize("shared", [BudgetScope.FAMILY, BudgetScope.SITE])
def test_holds_on_a_shared_budget_never_grant_a_token_too_much(db: None, shared: BudgetScope) -> None:
    owners = [Person.objects.create(username=f"crowd-{number}", role="teen") for number in range(20)]
    around = get_site_budget() if shared == BudgetScope.SITE else create_family_budget(time_zone="UTC")
    set_allowance(budget=around, tokens=5000)
    for owner in owners:
        set_parent_budget(owner=owner, parent=around)
    # Fewer than above, because they wait for one of eight connections each and for the shards.
    asked = from_processes("pairs", owners, processes=PROCESSES, count=30)
    periods = Period.objects.filter(budget=around)
    used = sum(period.spent + period.held for period in periods)
    assert sum(period.granted for period in periods) == 5000
    # Every rejection was right: what is left is too little for any hold.
    assert used <= 5000
    assert 0 in asked or used <= 5000 - 150
    assert Hold.objects.count() == sum(1 for tokens in asked if tokens)
    audit_text()
    for key in Hold.objects.filter(state=HoldState.HELD).values_list("key", flat=True):
        release_hold(key=key)
    assert not Period.objects.exclude(held=0).exists()


def test_the_same_key_many_times_at_once_is_one_hold(crowd_owner: Person) -> None:
    key = uuid4()
    holds = at_once([lambda: make_hold(crowd_owner, key=key)] * 20)
    assert {hold.key for hold in holds} == {key}
    assert get_period_sums(Period.objects.get(budget__scope=BudgetScope.PERSON)) == (10_000, 0, 400)
    audit_text()


def test_a_first_day_requested_many_times_at_once_starts_once(other_owner: Person) -> None:
    at_once([lambda: make_hold(other_owner)] * 20)
    assert Budget.objects.count() == 2
    assert Period.objects.count() == 1 + SITE_SHARDS
    assert LedgerEntry.objects.filter(kind=EntryKind.ALLOWANCE).count() == 1
    audit_text()


def test_a_new_day_that_two_requests_find_starts_once(crowd_owner: Person) -> None:
    make_hold(crowd_owner)
    second = Interleaved(lambda: make_hold(crowd_owner, now=NEXT_MORNING).period)
    with transaction.atomic():
        today = make_hold(crowd_owner, now=NEXT_MORNING).period
        second.start_and_let_it_wait()
    assert second.join() == today
    assert get_period_sums(today) == (10_000, 0, 800)
    audit_text()


def test_settling_and_expiring_at_once_resolve_each_hold_once(crowd_owner: Person) -> None:
    keys = [make_hold(crowd_owner).key for _ in range(20)]

    def settle(key: UUID) -> str:
        try:
            settle_hold(key=key, tokens=100, microdollars=1, now=NOON + LEASE)
        except HoldAlreadyResolved as resolved:
            return resolved.state
        return HoldState.SETTLED

    def expire() -> str:
        return str(expire_holds(now=NOON + LEASE))

    works: list[Callable[[], str]] = [*(lambda key=key: settle(key) for key in keys), *[expire] * 4]
    outcomes = at_once(works)
    assert set(outcomes[:20]) <= {HoldState.SETTLED, HoldState.EXPIRED}
    expired = Hold.objects.filter(state=HoldState.EXPIRED).count()
    assert sum(map(int, outcomes[20:])) == expired
    assert get_period_sums(Period.objects.get(budget__scope=BudgetScope.PERSON)) == (
        10_000,
        100 * (20 - expired),
        0,
    )
    audit_text()


def test_only_one_of_many_concurrent_settlements_counts(crowd_owner: Person) -> None:
    key = make_hold(crowd_owner).key

    def settle() -> int:
        try:
            settle_hold(key=key, tokens=100, microdollars=0)
        except HoldAlreadyResolved:
            return 0
        return 1

    assert sum(at_once([settle] * 20)) == 1
    assert get_period_sums(Period.objects.get(budget__scope=BudgetScope.PERSON)) == (10_000, 100, 0)


class Interleaved:
    """A second transaction that starts during the test's own and waits for it."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.result: object = None
        self._thread = threading.Thread(target=self._run, args=[work])

    def start_and_let_it_wait(self) -> None:
        self._thread.start()
        waiting = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        for _ in range(200):
            with connection.cursor() as cursor:
                cursor.execute(waiting)
                if cursor.fetchone()[0]:
                    return
            time.sleep(0.01)
        raise AssertionError("The second transaction does not wait.")

    def join(self) -> object:
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.result

    def _run(self, work: Callable[[], object]) -> None:
        try:
            self.result = work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.result = error
        finally:
            connection.close()


def test_a_hold_with_a_concurrent_duplicate_returns_it_and_keeps_the_transaction(
    crowd_owner: Person,
) -> None:
    key = uuid4()
    make_hold(crowd_owner)

    @transaction.atomic
    def ask_again_and_go_on() -> int:
        again = make_hold(crowd_owner, key=key)
        return int(again.tokens) + Hold.objects.count()

    second = Interleaved(ask_again_and_go_on)
    with transaction.atomic():
        make_hold(crowd_owner, key=key)
        second.start_and_let_it_wait()
    assert second.join() == 400 + 2
    audit_text()


def test_a_hold_that_waited_is_tested_against_what_is_left_then(crowd_owner: Person) -> None:
    make_hold(crowd_owner, prompt=100, answer=8900)
    second = Interleaved(lambda: make_hold(crowd_owner, answer=700).tokens)
    with transaction.atomic():
        make_hold(crowd_owner, answer=700)
        second.start_and_let_it_wait()
    assert second.join() == 200
    audit_text()


def test_a_transaction_may_resolve_several_holds_while_another_resolves_one_of_them(
    crowd_owner: Person,
) -> None:
    first, other = make_hold(crowd_owner), make_hold(crowd_owner)
    second = Interleaved(lambda: settle_hold(key=other.key, tokens=1, microdollars=0))
    with transaction.atomic():
        release_hold(key=first.key)
        second.start_and_let_it_wait()
        release_hold(key=other.key)
    assert isinstance(second.join(), HoldAlreadyResolved)
    assert get_period_sums(first.period) == (10_000, 0, 0)


def test_an_allowance_lowered_beside_a_hold_leaves_the_day_in_bounds(crowd_owner: Person) -> None:
    period = make_hold(crowd_owner).period
    second = Interleaved(lambda: set_allowance(budget=crowd_owner.budget, tokens=500, now=NOON))
    with transaction.atomic():
        make_hold(crowd_owner, now=NOON + timedelta(minutes=1))
        second.start_and_let_it_wait()
    assert isinstance(second.join(), Budget)
    assert get_period_sums(period) == (800, 0, 800)
    audit_text()
