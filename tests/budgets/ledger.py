"""Helpers for the ledger's tests: a Wednesday at noon in Los Angeles, and a hold the size of a turn."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

from django.core.management import call_command

from accounts.models import Person
from budgets.allowances import get_budget, set_allowance
from budgets.models import Budget, Hold, LedgerEntry, Period
from budgets.services import create_hold

NOON = datetime(2026, 11, 25, 20, tzinfo=UTC)
NEXT_MORNING = datetime(2026, 11, 26, 15, tzinfo=UTC)  # seven o'clock there
LEASE = timedelta(minutes=20)


def set_budget(owner: Person, *, tokens: int | None, now: datetime | None = None, **limits: Any) -> Budget:
    """Give a person's budget these limits, which normally come from a plan."""
    return set_allowance(budget=get_budget(owner=owner), tokens=tokens, now=now, **limits)


def make_hold(
    owner: Person,
    *,
    prompt: int = 100,
    answer: int = 300,
    least: int = 50,
    prompt_price: int = 0,
    answer_price: int = 0,
    key: UUID | None = None,
    now: datetime = NOON,
) -> Hold:
    return create_hold(
        owner=owner,
        key=key or uuid4(),
        prompt_tokens=prompt,
        answer_tokens=answer,
        min_answer_tokens=least,
        prompt_microdollars=prompt_price,
        answer_microdollars=answer_price,
        lease=LEASE,
        now=now,
    )


def get_period_sums(period: Period) -> tuple[int, int, int]:
    """Return the period's granted, spent and held tokens."""
    period.refresh_from_db()
    return period.granted, period.spent, period.held


def list_entries(hold: Hold) -> list[tuple[str, int, int]]:
    """Return the kind, tokens and microdollars of a hold's entries."""
    entries = LedgerEntry.objects.filter(hold=hold).order_by("pk")
    return [(entry.kind, entry.tokens, entry.microdollars) for entry in entries]


def audit_text() -> str:
    """Return the output of `audit_budgets`. Raises CommandError if the ledger does not match its entries."""
    out = StringIO()
    call_command("audit_budgets", stdout=out, stderr=StringIO())
    return out.getvalue()
