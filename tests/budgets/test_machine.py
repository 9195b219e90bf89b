"""Any sequence of holds, settlings, mornings, grants, limits and families, against the model beside this."""

import copy
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.db.models import Sum
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
from budgets.allowances import allowance_set, budget_nest, budget_of, family_make, site_budget
from budgets.audit import differences
from budgets.errors import BudgetShort, HoldResolved
from budgets.grants import grant_give, grants_expire
from budgets.models import Budget, Hold, HoldState, Period
from budgets.needs import WHATS, Need
from budgets.selectors import standings
from budgets.services import absorb_hold, hold_release, hold_settle, holds_expire, holds_release
from budgets.spans import Length
from tests.budgets.model import ModelBudget, ModelGrant, ModelPeriod
from tests.budgets.purse import LEASE, hold_for

# By hand: 2,000 times 50 are 100,000 operations.
EXAMPLES, STEPS = (2000, 50) if os.environ.get("SOAK") else (12, 40)
ZONE = "America/Los_Angeles"
# Two days before the clocks there go back.
BEGINNING = datetime(2026, 10, 30, 20, tzinfo=UTC)
amounts = st.none() | st.integers(0, 3000)


@dataclass
class ModelHold:
    periods: list[ModelPeriod]
    tokens: int
    microdollars: int
    expires_at: datetime


class LedgerMachine(RuleBasedStateMachine):
    made = Bundle("made")

    def __init__(self) -> None:
        super().__init__()
        # The site is one, and each example begins with one that nobody has used.
        self.example = transaction.atomic()
        self.example.__enter__()
        self.now = BEGINNING
        self.site = site_budget()
        self.family = family_make(time_zone=ZONE)
        self.people = [
            Person.objects.create(username=str(uuid4()), role=Role.TEEN, time_zone=ZONE) for _ in range(2)
        ]
        self.models: dict[int, ModelBudget] = {}
        self.around: dict[int, list[int]] = {}
        self.mine = {person.pk: budget_of(owner=person).pk for person in self.people}
        for person in self.people:
            self.around[person.pk] = [self.mine[person.pk], self.site.pk]
            self.allow(self.mine[person.pk], 1000, None, Length.DAY)
        self.allow(self.family.pk, 4000, None, Length.WEEK)
        self.allow(self.site.pk, 9000, None, Length.MONTH)
        self.holds: dict[UUID, ModelHold] = {}
        self.grants = 0

    def allow(self, pk: int, tokens: int | None, microdollars: int | None, length: Length) -> None:
        budget = Budget.objects.get(pk=pk)
        limits = {"tokens": tokens, "microdollars": microdollars}
        allowance_set(budget=budget, length=length, time_zone=ZONE, now=self.now, **limits)
        model = self.models.setdefault(pk, ModelBudget(limits, length, ZoneInfo(ZONE)))  # type: ignore[arg-type]
        model.allow(limits, length, self.now)  # type: ignore[arg-type]

    def budget(self, which: int) -> int:
        return [*self.mine.values(), self.family.pk, self.site.pk][which]

    @rule(
        target=made, who=st.integers(0, 1), prompt=st.integers(0, 400), answer=st.integers(1, 400),
        part=st.integers(1, 400), price=st.sampled_from([0, 0, 1, 3]),
    )  # fmt: skip
    def hold(self, who: int, prompt: int, answer: int, part: int, price: int) -> UUID:
        key, owner = uuid4(), self.people[who]
        need = Need(
            prompt_tokens=prompt, answer_tokens=answer, least_answer_tokens=min(part, answer),
            prompt_microdollars=prompt * price, answer_microdollars=answer * price,
        )  # fmt: skip
        ask = partial(
            hold_for, owner, key=key, prompt=prompt, answer=answer, least=need.least_answer_tokens,
            prompt_price=prompt * price, answer_price=answer * price, now=self.now,
        )  # fmt: skip
        # A refusal leaves everything as it was, periods that were not begun too.
        before = copy.deepcopy((self.models, self.holds))
        *inner, site = [self.models[pk].opened(self.now) for pk in self.around[owner.pk]]
        longest = affordable([*inner, site], need)
        if longest < need.least_answer_tokens:
            self.models, self.holds = before
            with pytest.raises(BudgetShort) as short:
                ask()
            assert short.value.left < short.value.needed
            return key
        hold = ask()
        assert hold.answer_tokens == longest
        cost = {what: need.cost(what, answer=longest) for what in WHATS}
        assert (hold.tokens, hold.microdollars) == (cost["tokens"], cost["microdollars"])
        for period in (*inner, site):
            period.holds[key] = cost
        self.holds[key] = ModelHold([*inner, site], hold.tokens, hold.microdollars, self.now + LEASE)
        return key

    @rule(who=st.integers(0, 1), key=made)
    def hold_again(self, who: int, key: UUID) -> None:
        if key in self.holds:
            owner = Hold.objects.select_related("period__budget__owner").get(pk=key).period.budget.owner
            assert owner
            assert hold_for(owner, key=key, now=self.now).tokens == self.holds[key].tokens

    def resolve(self, key: UUID, tokens: int = 0, microdollars: int = 0) -> None:
        hold = self.holds.pop(key)
        for period in hold.periods:
            del period.holds[key]
            period.spent["tokens"] += min(tokens, hold.tokens)
            period.spent["microdollars"] += min(microdollars, hold.microdollars)

    @rule(key=consumes(made), used=st.integers(0, 900), cost=st.integers(0, 2000))
    def settle(self, key: UUID, used: int, cost: int) -> None:
        if key in self.holds:
            hold_settle(key=key, tokens=used, microdollars=cost, now=self.now)
            self.resolve(key, used, cost)
            with pytest.raises(HoldResolved):
                hold_settle(key=key, tokens=used, microdollars=cost, now=self.now)

    @rule(key=consumes(made), together=st.booleans())
    def release(self, key: UUID, together: bool) -> None:
        if key not in self.holds:
            return
        if together:
            assert holds_release(keys=list(self.holds), now=self.now) == len(self.holds)
            for one in list(self.holds):
                self.resolve(one)
        else:
            hold_release(key=key, now=self.now)
            self.resolve(key)

    @rule(key=consumes(made), used=st.integers(0, 900), cost=st.integers(0, 2000))
    def absorb(self, key: UUID, used: int, cost: int) -> None:
        if key in self.holds:
            site = self.holds[key].periods[-1]
            tokens, microdollars = self.holds[key].tokens, self.holds[key].microdollars
            absorb_hold(key=key, tokens=used, microdollars=cost, now=self.now)
            self.resolve(key)
            site.spent["tokens"] += min(used, tokens)
            site.spent["microdollars"] += min(cost, microdollars)

    @rule(minutes=st.sampled_from([1, 5, 19, 60, 700, 1440, 3000, 12000, 45000]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def expire(self) -> None:
        overdue = [key for key, hold in self.holds.items() if hold.expires_at <= self.now]
        assert holds_expire(now=self.now) == len(overdue)
        for key in overdue:
            self.resolve(key)

    @rule(which=st.integers(0, 3), tokens=amounts, microdollars=amounts, length=st.sampled_from(Length))
    def change_allowance(
        self, which: int, tokens: int | None, microdollars: int | None, length: Length
    ) -> None:
        self.allow(self.budget(which), tokens, microdollars, length)

    @rule(
        which=st.integers(0, 3), tokens=st.integers(0, 900), microdollars=st.integers(0, 900),
        minutes=st.sampled_from([30, 600, 2000, 9000]),
    )  # fmt: skip
    def give(self, which: int, tokens: int, microdollars: int, minutes: int) -> None:
        if tokens + microdollars == 0:
            return
        pk, expires_at = self.budget(which), self.now + timedelta(minutes=minutes)
        grant_give(
            budget=Budget.objects.get(pk=pk), tokens=tokens, microdollars=microdollars, expires_at=expires_at,
            reason="A test.", now=self.now,
        )  # fmt: skip
        self.grants += 1
        grant = ModelGrant(self.grants, expires_at, {"tokens": tokens, "microdollars": microdollars})
        self.models[pk].give(grant, self.now)

    @rule()
    def expire_grants(self) -> None:
        grants_expire(now=self.now)
        for model in self.models.values():
            model.expire(self.now)

    @rule(who=st.integers(0, 1), with_family=st.booleans())
    def nest(self, who: int, with_family: bool) -> None:
        person = self.people[who]
        budget_nest(owner=person, within=self.family if with_family else self.site)
        families = [self.family.pk] if with_family else []
        self.around[person.pk] = [self.mine[person.pk], *families, self.site.pk]

    @invariant()
    def the_sums_are_the_models(self) -> None:
        for pk, model in self.models.items():
            if model.period is None:
                continue
            rows = Period.objects.filter(budget=pk, starts_at=model.period.span.starts_at)
            kept = rows.aggregate(
                *(Sum(name) for name in ("granted", "spent", "held")),
                *(Sum(f"{name}_microdollars") for name in ("granted", "spent", "held")),
            )
            for what, tail in (("tokens", ""), ("microdollars", "_microdollars")):
                told = [kept[f"{name}{tail}__sum"] for name in ("granted", "spent", "held")]
                period = model.period
                assert told == [period.granted[what], period.spent[what], period.held(what)], (pk, what)  # type: ignore[index, arg-type]

    @invariant()
    def nobody_is_over_a_limit_and_nothing_else_is_held(self) -> None:
        for period in Period.objects.filter(budget__in=self.models):
            assert not period.limits_tokens or period.spent + period.held <= period.granted
        assert set(Hold.objects.filter(state=HoldState.HELD).values_list("key", flat=True)) == set(self.holds)

    @invariant()
    def what_is_told_is_the_models(self) -> None:
        for person in self.people:
            told = standings(owner=person, now=self.now)
            assert len(told) == len(self.around[person.pk])

    def teardown(self) -> None:
        try:
            assert list(differences()) == []
            holds_release(keys=list(self.holds), now=self.now)
            assert not Period.objects.exclude(held=0, held_microdollars=0).exists()
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)


def affordable(periods: list[ModelPeriod], need: Need) -> int:
    longest = need.answer_tokens
    for period in periods:
        for what in WHATS:
            if period.limited[what]:
                longest = min(longest, need.longest(what, left=period.left(what)))
    return longest


@pytest.mark.django_db
def test_the_ledger_does_what_the_model_does() -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
