"""Any sequence of holds, settlings, mornings and changed allowances, against a model on one page."""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from accounts.models import Person, Role
from budgets.audit import differences
from budgets.errors import BudgetShort, HoldResolved
from budgets.models import Budget, Period
from budgets.selectors import meter
from budgets.services import allowance_set, hold_release, hold_settle, holds_expire
from tests.budgets.purse import LEASE, hold_for

EXAMPLES = 400 if os.environ.get("SOAK") else 15


@dataclass
class ModelDay:
    ends_at: datetime
    granted: int
    spent: int = 0
    holds: dict[UUID, tuple[int, datetime]] = field(default_factory=dict)
    """The open ones: tokens, and when they expire."""

    @property
    def held(self) -> int:
        return sum(tokens for tokens, _ in self.holds.values())

    @property
    def left(self) -> int:
        return self.granted - self.spent - self.held


class LedgerMachine(RuleBasedStateMachine):
    made = Bundle("made")

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 11, 25, 12, tzinfo=UTC)
        self.allowance = 1000
        self.days: list[ModelDay] = []
        self.owner = Person.objects.create(username=str(uuid4()), role=Role.TEEN, time_zone="UTC")
        self.budget = Budget.objects.create(owner=self.owner, daily_tokens=self.allowance)

    def today(self) -> ModelDay:
        if self.days and self.now < self.days[-1].ends_at:
            return self.days[-1]
        seven = datetime.combine(self.now.date(), time(7), tzinfo=UTC)
        ends_at = seven if self.now < seven else seven + timedelta(days=1)
        return ModelDay(ends_at, self.allowance)

    def day_of(self, key: UUID) -> ModelDay | None:
        return next((day for day in self.days if key in day.holds), None)

    @rule(target=made, prompt=st.integers(0, 400), answer=st.integers(1, 400), part=st.integers(1, 400))
    def hold(self, prompt: int, answer: int, part: int) -> UUID:
        key, least, today = uuid4(), min(part, answer), self.today()
        ask = partial(hold_for, self.owner, key=key, prompt=prompt, answer=answer, least=least, now=self.now)
        if today.left < prompt + least:
            with pytest.raises(BudgetShort) as short:
                ask()
            assert (short.value.needed, short.value.left) == (prompt + least, today.left)
            assert short.value.refills_at == today.ends_at
        else:
            hold = ask()
            assert hold.answer_tokens == min(answer, today.left - prompt)
            today.holds[key] = (hold.tokens, self.now + LEASE)
            if today not in self.days:
                self.days.append(today)
        return key

    @rule(key=made)
    def hold_again(self, key: UUID) -> None:
        if day := self.day_of(key):
            assert hold_for(self.owner, key=key, now=self.now).tokens == day.holds[key][0]

    @rule(key=consumes(made), used=st.integers(0, 900))
    def settle(self, key: UUID, used: int) -> None:
        if day := self.day_of(key):
            hold_settle(key=key, tokens=used, microdollars=used, now=self.now)
            day.spent += min(used, day.holds.pop(key)[0])
            with pytest.raises(HoldResolved):
                hold_settle(key=key, tokens=used, microdollars=used, now=self.now)

    @rule(key=consumes(made))
    def release(self, key: UUID) -> None:
        if day := self.day_of(key):
            hold_release(key=key, now=self.now)
            del day.holds[key]

    @rule(minutes=st.sampled_from([1, 5, 19, 60, 700, 1440, 3000]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def expire(self) -> None:
        overdue = [(day, key) for day in self.days for key, hold in day.holds.items() if hold[1] <= self.now]
        assert holds_expire(now=self.now) == len(overdue)
        for day, key in overdue:
            del day.holds[key]

    @rule(allowance=st.integers(0, 3000))
    def change_allowance(self, allowance: int) -> None:
        allowance_set(budget=self.budget, daily_tokens=allowance, now=self.now)
        self.allowance = allowance
        if self.days and self.now < self.days[-1].ends_at:
            today = self.days[-1]
            today.granted = max(allowance, today.spent + today.held)

    @invariant()
    def the_days_are_the_models(self) -> None:
        kept = Period.objects.filter(budget=self.budget).order_by("starts_at")
        assert [(day.ends_at, day.granted, day.spent, day.held) for day in kept] == [
            (day.ends_at, day.granted, day.spent, day.held) for day in self.days
        ]

    @invariant()
    def the_meter_tells_today(self) -> None:
        told, today = meter(owner=self.owner, now=self.now), self.today()
        assert (told.left, told.refills_at) == (today.left, today.ends_at)

    def teardown(self) -> None:
        assert list(differences()) == []
        # The next example counts what expires: nothing of this one may be left over.
        holds_expire(now=self.now + 2 * LEASE)


@pytest.mark.django_db
def test_the_ledger_does_what_the_model_does() -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
