"""`audit_budgets` recomputes every sum from the entries, which cannot change."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.utils import timezone

from accounts.models import Person
from budgets.audit import LedgerDifference, find_ledger_differences
from budgets.grants import create_grant
from budgets.models import SITE_SHARDS, BudgetScope, EntryKind, Hold, HoldState, LedgerEntry, Period
from budgets.selectors import find_latest_audit
from budgets.services import expire_holds, release_hold, settle_hold
from budgets.tasks import audit_ledger
from tests.budgets.ledger import LEASE, NEXT_MORNING, NOON, audit_text, make_hold


@pytest.fixture
def busy_day(budget_owner: Person, other_owner: Person) -> Period:
    settle_hold(key=make_hold(budget_owner).key, tokens=250, microdollars=70)
    release_hold(key=make_hold(budget_owner).key)
    settle_hold(key=make_hold(other_owner).key, tokens=450, microdollars=70)
    make_hold(other_owner, now=NOON - timedelta(minutes=1))
    expire_holds(now=NOON - timedelta(minutes=1) + LEASE)
    make_hold(budget_owner, now=NEXT_MORNING)
    return make_hold(budget_owner).period


def test_a_matching_ledger_is_reported(busy_day: Period) -> None:
    assert list(find_ledger_differences()) == []
    entries = LedgerEntry.objects.count()
    assert audit_text() == f"The ledger matches its entries: {3 + SITE_SHARDS} periods, {entries} entries.\n"


def test_an_empty_ledger_agrees(db: None) -> None:
    assert "0 periods" in audit_text()


@pytest.mark.parametrize(
    "column", ["granted", "spent", "held", "granted_microdollars", "spent_microdollars", "held_microdollars"]
)
def test_a_changed_sum_is_reported(busy_day: Period, column: str) -> None:
    kept = getattr(busy_day, column)
    Period.objects.filter(pk=busy_day.pk).update(**{column: F(column) + 7})
    assert list(find_ledger_differences()) == [
        LedgerDifference(row=f"period {busy_day.pk}", column=column, stored=kept + 7, expected=kept)
    ]
    complaints = StringIO()
    with pytest.raises(CommandError, match="match its entries in 1 place"):
        call_command("audit_budgets", stderr=complaints)
    assert (
        f"period {busy_day.pk}: {column} is {kept + 7:,}, but its entries make {kept:,}"
        in complaints.getvalue()
    )


def test_a_hold_closed_by_hand_is_reported(busy_day: Period) -> None:
    hold = Hold.objects.filter(state=HoldState.HELD).latest("created_at")
    Hold.objects.filter(pk=hold.pk).update(state=HoldState.SETTLED, resolved_at=timezone.now())
    assert list(find_ledger_differences()) == [
        LedgerDifference(row=f"hold {hold.pk}", column="held", stored=0, expected=400)
    ]


def test_an_extra_entry_is_reported(busy_day: Period) -> None:
    LedgerEntry.objects.create(period=busy_day, kind=EntryKind.ALLOWANCE, tokens=5, memo="A gift?")
    assert [difference.column for difference in find_ledger_differences()] == ["granted"]


def test_moves_between_shards_must_sum_to_zero(busy_day: Period) -> None:
    shard = Period.objects.filter(budget__scope=BudgetScope.SITE).first()
    LedgerEntry.objects.create(period=shard, kind=EntryKind.MOVE, tokens=5)
    assert [difference.column for difference in find_ledger_differences()] == ["granted", "moved"]


def test_a_changed_grant_remainder_is_reported(busy_day: Period) -> None:
    grant = create_grant(
        budget=busy_day.budget, tokens=50, expires_at=NEXT_MORNING + LEASE, reason="A test.", now=NEXT_MORNING
    )
    type(grant).objects.update(left_tokens=49)
    assert list(find_ledger_differences()) == [
        LedgerDifference(row=f"grant {grant.pk}", column="left_tokens", stored=49, expected=50)
    ]


def test_the_task_saves_the_audit_and_logs_an_error(
    busy_day: Period, caplog: pytest.LogCaptureFixture
) -> None:
    assert audit_ledger() == 0
    assert not caplog.records
    Period.objects.filter(pk=busy_day.pk).update(spent=F("spent") + 7)
    assert audit_ledger() == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    last = find_latest_audit()
    assert last
    assert (last.differences, len(last.first), last.entries) == (1, 1, LedgerEntry.objects.count())
