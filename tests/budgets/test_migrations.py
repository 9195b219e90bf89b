"""Rows of the shape before budgets nested are carried over whole, and the books still agree."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import Person
from budgets.audit import differences
from budgets.models import Budget, Entry, Floor, Hold, HoldState, Period
from budgets.selectors import plan_of
from budgets.services import hold_settle
from tests.budgets.purse import NEXT_MORNING, NOON, audit, hold_for, sums

pytestmark = pytest.mark.django_db(transaction=True)
OLD = [("budgets", "0002_entries_never_change"), ("families", "0001_initial")]


@pytest.fixture
def old_shape() -> Iterator[Any]:
    """The apps as they were; whatever happens, the tables are as they should be afterwards."""
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    executor.migrate(OLD)
    try:
        yield executor.loader.project_state(OLD).apps
    finally:
        MigrationExecutor(connection).migrate(newest)


def migrate() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def day_of(apps: Any, owner: Person, daily_tokens: int) -> Any:
    """A day on which somebody settled 250 of 400 tokens, released a hold, and has one open."""
    budget = apps.get_model("budgets", "Budget").objects.create(owner_id=owner.pk, daily_tokens=daily_tokens)
    period = apps.get_model("budgets", "Period").objects.create(
        budget=budget, starts_at=NOON - timedelta(hours=5), ends_at=NEXT_MORNING, granted=daily_tokens, spent=250,
        held=400, spent_microdollars=70,
    )  # fmt: skip
    holds, entries = apps.get_model("budgets", "Hold").objects, apps.get_model("budgets", "Entry").objects
    entries.create(period=period, kind="grant", tokens=daily_tokens)
    for state, lines in (
        ("settled", [("hold", 400, 0), ("settle", 250, 70), ("return", 150, 0), ("overrun", 5, 0)]),
        ("released", [("hold", 400, 0), ("release", 400, 0)]),
        ("settled", [("hold", 400, 0), ("return", 400, 0)]),
        ("held", [("hold", 400, 0)]),
    ):
        hold = holds.create(
            key=uuid4(), period=period, prompt_tokens=100, answer_tokens=300, state=state, expires_at=NEXT_MORNING,
            resolved_at=None if state == "held" else NOON,
        )  # fmt: skip
        for kind, tokens, microdollars in lines:
            entries.create(period=period, hold=hold, kind=kind, tokens=tokens, microdollars=microdollars)
    return period


@pytest.fixture
def owners(old_shape: Any) -> dict[str, Person]:
    usual = settings.TUTOR_DAILY_TOKENS
    people = {}
    for name, tokens in {"usual": usual, "capped": 1000, "raised": 2 * usual}.items():
        people[name] = Person.objects.create(username=name, role="teen", time_zone="America/Los_Angeles")
        day_of(old_shape, people[name], tokens)
    migrate()
    return people


def test_nothing_is_lost_and_the_books_agree(owners: dict[str, Person]) -> None:
    assert Hold.objects.count() == 12
    assert Entry.objects.count() == 30
    assert list(differences()) == []
    for owner in owners.values():
        assert owner.budget.within == Budget.objects.get(kind=Floor.SITE)
        assert owner.budget.periods.get().open_until == NEXT_MORNING


def test_what_was_allowed_is_allowed(owners: dict[str, Person]) -> None:
    usual, capped, raised = (owners[name] for name in ("usual", "capped", "raised"))
    assert (usual.budget.plan, usual.budget.daily_cap) == (None, None)
    assert (capped.budget.tokens, capped.budget.daily_cap, capped.budget.plan) == (1000, 1000, None)
    assert plan_of(raised).tokens == raised.budget.tokens == 2 * settings.TUTOR_DAILY_TOKENS


def test_the_day_goes_on_and_its_open_hold_settles(owners: dict[str, Person]) -> None:
    capped = owners["capped"]
    hold = hold_for(capped, now=NOON, prompt=50)
    assert sums(hold.period) == (1000, 250, 750)
    open_one = Hold.objects.get(period=hold.period, state=HoldState.HELD, site_period=None)
    hold_settle(key=open_one.key, tokens=400, microdollars=0)
    assert sums(hold.period) == (1000, 650, 350)
    audit()


def test_those_who_are_linked_share_a_budget(old_shape: Any) -> None:
    links = old_shape.get_model("families", "Link").objects
    teen, other_teen, parent, second, apart = (
        Person.objects.create(username=name, role="teen") for name in ("a", "b", "c", "d", "e")
    )
    day_of(old_shape, teen, settings.TUTOR_DAILY_TOKENS)
    for one, two in ((parent, teen), (parent, other_teen), (second, teen)):
        links.create(parent_id=one.pk, teen_id=two.pk)
    links.create(parent_id=apart.pk, teen_id=teen.pk, ended_at=NOON, ending="teen")
    migrate()
    family = Budget.objects.get(kind=Floor.FAMILY)
    assert {budget.owner for budget in family.inner.all()} == {teen, other_teen, parent, second}
    assert not Budget.objects.filter(owner=apart).exists()
    assert list(differences()) == []


def test_the_way_back_keeps_what_the_old_shape_can_say(old_shape: Any) -> None:
    owner = Person.objects.create(username="there-and-back", role="teen")
    day_of(old_shape, owner, 1000)
    migrate()
    MigrationExecutor(connection).migrate(OLD)
    with connection.cursor() as cursor:
        cursor.execute("SELECT daily_tokens FROM budgets_budget")
        assert cursor.fetchall() == [(1000,)]
        cursor.execute("SELECT spent, held FROM budgets_period")
        assert cursor.fetchall() == [(250, 400)]
    migrate()
    assert Period.objects.get().spent == 250
