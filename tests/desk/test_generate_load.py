"""`manage.py generate_load` makes a site's worth of rows, and a ledger that adds up."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum
from django.utils import timezone

from accounts.models import Person
from budgets.allowances import get_site_budget
from budgets.audit import find_ledger_differences
from budgets.models import Budget, EntryKind, Hold, LedgerEntry, Period, UsageRecord
from chat.models import Turn
from desk.load.generating import LoadSize, generate_load
from events.models import Event, SignUp

pytestmark = pytest.mark.django_db

SMALL = LoadSize(turns=900, people=60, events=6, days=40)
COSTS = (EntryKind.SETTLE, EntryKind.ABSORB)


def add_up(rows: Any) -> dict[str, int | None]:
    return dict(rows.aggregate(tokens=Sum("tokens"), microdollars=Sum("microdollars")))


def test_the_ledger_adds_up() -> None:
    generate_load(size=SMALL)
    assert list(find_ledger_differences()) == []
    assert Turn.objects.count() == SMALL.turns
    spent = add_up(LedgerEntry.objects.filter(kind__in=COSTS))
    site = Period.objects.filter(budget=get_site_budget()).aggregate(
        tokens=Sum("spent"), microdollars=Sum("spent_microdollars")
    )
    assert spent == add_up(UsageRecord.objects) == add_up_turns() == site
    assert spent["microdollars"]


def add_up_turns() -> dict[str, int]:
    turns = Turn.objects.aggregate(
        prompt=Sum("prompt_tokens"), answer=Sum("answer_tokens"), microdollars=Sum("microdollars")
    )
    return {"tokens": turns["prompt"] + turns["answer"], "microdollars": turns["microdollars"]}


def test_what_was_generated_lies_in_the_past_and_what_was_held_is_resolved() -> None:
    now = timezone.now()
    generate_load(size=SMALL, now=now)
    assert not Turn.objects.filter(ended_at__gt=now).exists()
    assert not Turn.objects.filter(asked_at__lt=now - timedelta(days=SMALL.days + 2)).exists()
    assert not Hold.objects.filter(state="held").exists()


def test_some_people_have_not_asked_yet_and_some_events_are_still_to_come() -> None:
    generate_load(size=SMALL)
    assert Person.objects.filter(username__startswith="load-", budget=None).count() == SMALL.people // 10
    assert Event.objects.filter(starts_at__gt=timezone.now()).exists()
    assert SignUp.objects.exists()


def test_the_sites_own_limit_stays() -> None:
    site = get_site_budget()
    Budget.objects.filter(pk=site.pk).update(microdollars=9_000_000)
    generate_load(size=SMALL)
    site.refresh_from_db()
    assert site.microdollars == 9_000_000
    assert list(find_ledger_differences()) == []


def test_the_command_says_what_it_did_and_does_it_once() -> None:
    told = StringIO()
    sizes = {"turns": 50, "people": 10, "events": 2, "days": 5}
    call_command("generate_load", stdout=told, **sizes)
    assert "50 turns of 10 people in 5 days, 2 events" in told.getvalue()
    assert "sums and its entries: 0." in told.getvalue()
    with pytest.raises(CommandError, match="has generated people already"):
        call_command("generate_load", **sizes)


def test_the_command_refuses_a_real_site(settings: Any) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="only in demo mode"):
        call_command("generate_load")
    assert not Person.objects.exists()
