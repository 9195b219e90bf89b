"""Words the ledger's tests share: a Wednesday at noon in Los Angeles, and a turn-sized hold."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

from django.core.management import call_command

from accounts.models import Person
from budgets.allowances import allowance_set, budget_of
from budgets.models import Budget, Entry, Hold, Period
from budgets.services import hold_make

NOON = datetime(2026, 11, 25, 20, tzinfo=UTC)
NEXT_MORNING = datetime(2026, 11, 26, 15, tzinfo=UTC)  # seven o'clock there
LEASE = timedelta(minutes=20)


def purse_make(owner: Person, *, tokens: int | None, now: datetime | None = None, **limits: Any) -> Budget:
    """Somebody's budget with these limits, which in life come from a plan."""
    return allowance_set(budget=budget_of(owner=owner), tokens=tokens, now=now, **limits)


def hold_for(
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
    return hold_make(
        owner=owner,
        key=key or uuid4(),
        prompt_tokens=prompt,
        answer_tokens=answer,
        least_answer_tokens=least,
        prompt_microdollars=prompt_price,
        answer_microdollars=answer_price,
        lease=LEASE,
        now=now,
    )


def sums(period: Period) -> tuple[int, int, int]:
    """Granted, spent and held."""
    period.refresh_from_db()
    return period.granted, period.spent, period.held


def told(hold: Hold) -> list[tuple[str, int, int]]:
    """What the entries tell of a hold: kind, tokens, microdollars."""
    entries = Entry.objects.filter(hold=hold).order_by("pk")
    return [(entry.kind, entry.tokens, entry.microdollars) for entry in entries]


def audit() -> str:
    """What `audit_budgets` prints. Raises CommandError when the books do not agree."""
    out = StringIO()
    call_command("audit_budgets", stdout=out, stderr=StringIO())
    return out.getvalue()
