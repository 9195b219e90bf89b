"""`audit_budgets` recomputes every sum from the entries, which cannot change."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.utils import timezone

from accounts.models import Person
from budgets.audit import Difference, differences
from budgets.grants import grant_give
from budgets.models import SITE_SHARDS, Entry, EntryKind, Floor, Hold, HoldState, Period
from budgets.selectors import audit_latest
from budgets.services import hold_release, hold_settle, holds_expire
from budgets.tasks import budgets_audit
from tests.budgets.purse import LEASE, NEXT_MORNING, NOON, audit, hold_for


@pytest.fixture
def busy_day(purse_owner: Person, other_owner: Person) -> Period:
    hold_settle(key=hold_for(purse_owner).key, tokens=250, microdollars=70)
    hold_release(key=hold_for(purse_owner).key)
    hold_settle(key=hold_for(other_owner).key, tokens=450, microdollars=70)
    hold_for(other_owner, now=NOON - timedelta(minutes=1))
    holds_expire(now=NOON - timedelta(minutes=1) + LEASE)
    hold_for(purse_owner, now=NEXT_MORNING)
    return hold_for(purse_owner).period


def test_books_that_agree_are_told_calmly(busy_day: Period) -> None:
    assert list(differences()) == []
    entries = Entry.objects.count()
    assert audit() == f"The ledger agrees with its entries: {3 + SITE_SHARDS} periods, {entries} entries.\n"


def test_an_empty_ledger_agrees(db: None) -> None:
    assert "0 periods" in audit()


@pytest.mark.parametrize(
    "what", ["granted", "spent", "held", "granted_microdollars", "spent_microdollars", "held_microdollars"]
)
def test_a_planted_difference_is_named(busy_day: Period, what: str) -> None:
    kept = getattr(busy_day, what)
    Period.objects.filter(pk=busy_day.pk).update(**{what: F(what) + 7})
    assert list(differences()) == [
        Difference(of=f"period {busy_day.pk}", what=what, kept=kept + 7, told=kept)
    ]
    complaints = StringIO()
    with pytest.raises(CommandError, match="disagree in 1 place"):
        call_command("audit_budgets", stderr=complaints)
    assert (
        f"period {busy_day.pk}: {what} is {kept + 7:,}, but its entries make {kept:,}"
        in complaints.getvalue()
    )


def test_a_hold_that_was_closed_by_hand_is_named(busy_day: Period) -> None:
    hold = Hold.objects.filter(state=HoldState.HELD).latest("created_at")
    Hold.objects.filter(pk=hold.pk).update(state=HoldState.SETTLED, resolved_at=timezone.now())
    assert list(differences()) == [Difference(of=f"hold {hold.pk}", what="held", kept=0, told=400)]


def test_an_entry_out_of_nowhere_is_named(busy_day: Period) -> None:
    Entry.objects.create(period=busy_day, kind=EntryKind.GRANT, tokens=5, memo="A gift?")
    assert [difference.what for difference in differences()] == ["granted"]


def test_what_shards_gave_each_other_must_come_to_nothing(busy_day: Period) -> None:
    shard = Period.objects.filter(budget__kind=Floor.SITE).first()
    Entry.objects.create(period=shard, kind=EntryKind.MOVE, tokens=5)
    assert [difference.what for difference in differences()] == ["granted", "moved"]


def test_a_grant_whose_rest_was_changed_is_named(busy_day: Period) -> None:
    grant = grant_give(
        budget=busy_day.budget, tokens=50, expires_at=NEXT_MORNING + LEASE, reason="A test.", now=NEXT_MORNING
    )
    type(grant).objects.update(left_tokens=49)
    assert list(differences()) == [Difference(of=f"grant {grant.pk}", what="left_tokens", kept=49, told=50)]


def test_beat_audits_writes_down_what_it_found_and_logs_an_error(
    busy_day: Period, caplog: pytest.LogCaptureFixture
) -> None:
    assert budgets_audit() == 0
    assert not caplog.records
    Period.objects.filter(pk=busy_day.pk).update(spent=F("spent") + 7)
    assert budgets_audit() == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    last = audit_latest()
    assert last
    assert (last.differences, len(last.first), last.entries) == (1, 1, Entry.objects.count())
