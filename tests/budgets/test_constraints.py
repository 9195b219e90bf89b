"""What the database refuses, even without the services."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.models import Person
from budgets.models import Hold, LedgerEntry
from tests.budgets.ledger import NOON, make_hold


def run_and_get_refusal(statement: str, *values: object) -> str:
    with pytest.raises(IntegrityError) as raised:
        run(statement, values)
    return str(raised.value)


@transaction.atomic
def run(statement: str, values: tuple[object, ...]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)  # type: ignore[arg-type]
        # Foreign keys are checked at the end of a transaction, which a test never reaches.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("held = 1001", "period_never_overdrawn"),
        ("spent = 601", "period_never_overdrawn"),
        ("granted = 399", "period_never_overdrawn"),
        ("held = -1", "period_held_not_negative"),
        ("spent = -1", "period_spent_not_negative"),
        ("spent_microdollars = -1", "period_microdollars_not_negative"),
        ("held_microdollars = -1", "period_held_microdollars_not_negative"),
        ("limits_microdollars = true, held_microdollars = 1", "period_microdollars_never_overdrawn"),
        ("recheck_at = ends_at + interval '1 second'", "period_rechecked_by_its_end"),
        ("ends_at = starts_at", "period_ends_after_start"),
    ],
)
def test_a_day_is_never_out_of_bounds(budget_owner: Person, change: str, constraint: str) -> None:
    make_hold(budget_owner)
    assert constraint in run_and_get_refusal(f"UPDATE budgets_period SET {change} WHERE limits_tokens")  # noqa: S608


def test_a_budgets_day_begins_once(budget_owner: Person) -> None:
    make_hold(budget_owner)
    error = run_and_get_refusal(
        "INSERT INTO budgets_period (budget_id, shard, starts_at, ends_at, recheck_at, granted, spent, held,"
        " granted_microdollars, spent_microdollars, held_microdollars, limits_tokens, limits_microdollars)"
        " SELECT budget_id, shard, starts_at, ends_at, ends_at, 0, 0, 0, 0, 0, 0, true, true FROM budgets_period"
    )
    assert "period_starts_once" in error


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("state = 'settled'", "hold_resolved_with_its_time"),
        ("resolved_at = now()", "hold_resolved_with_its_time"),
        ("state = 'lost', resolved_at = now()", "hold_state_known"),
    ],
)
def test_a_holds_state_is_consistent(budget_owner: Person, change: str, constraint: str) -> None:
    make_hold(budget_owner)
    assert constraint in run_and_get_refusal(f"UPDATE budgets_hold SET {change}")  # noqa: S608


@pytest.mark.parametrize("change", ["answer_tokens = 1", "microdollars = 1", "site_period_id = NULL"])
def test_what_a_hold_set_aside_never_changes(budget_owner: Person, change: str) -> None:
    make_hold(budget_owner)
    assert "never changes" in run_and_get_refusal(f"UPDATE budgets_hold SET {change}")  # noqa: S608


ENTRY = (
    "INSERT INTO budgets_ledgerentry (period_id, hold_id, kind, tokens, microdollars, at, memo)"
    " VALUES (%s, %s, %s, %s, 0, now(), '')"
)


def test_an_entry_is_consistent(budget_owner: Person) -> None:
    hold = make_hold(budget_owner)
    assert "entry_kind_known" in run_and_get_refusal(ENTRY, hold.period_id, hold.key, "present", 1)
    assert "entry_names_its_hold" in run_and_get_refusal(ENTRY, hold.period_id, None, "settle", 1)
    assert "entry_tokens_not_negative" in run_and_get_refusal(ENTRY, hold.period_id, hold.key, "settle", -1)
    assert "entry_holds_once" in run_and_get_refusal(ENTRY, hold.period_id, hold.key, "hold", 1)
    assert "foreign key" in run_and_get_refusal(ENTRY, hold.period_id, uuid4(), "settle", 1)


@pytest.mark.parametrize(
    "change",
    ["UPDATE budgets_ledgerentry SET tokens = 1", "DELETE FROM budgets_ledgerentry"],
    ids=["change", "delete"],
)
def test_an_entry_never_changes(budget_owner: Person, change: str) -> None:
    make_hold(budget_owner)
    assert "A ledger entry never changes" in run_and_get_refusal(change)


def test_an_entry_cannot_be_changed_through_the_orm(budget_owner: Person) -> None:
    entry = LedgerEntry.objects.filter(hold=make_hold(budget_owner)).get()
    entry.tokens = 1
    with pytest.raises(DatabaseError, match="correcting entry"), transaction.atomic():
        entry.save()
    with pytest.raises(DatabaseError, match="correcting entry"), transaction.atomic():
        entry.delete()


def test_a_key_makes_one_hold(budget_owner: Person) -> None:
    hold = make_hold(budget_owner)
    twin = Hold(
        key=hold.key,
        period_id=hold.period_id,
        prompt_tokens=1,
        answer_tokens=1,
        expires_at=NOON + timedelta(hours=1),
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save(force_insert=True)
