"""Any sequence of holds, settlements, days, grants, limits and families, compared with model.py."""

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
from budgets.allowances import (
    create_family_budget,
    get_budget,
    get_site_budget,
    preview_limits,
    set_allowance,
    set_parent_budget,
)
from budgets.audit import find_ledger_differences
from budgets.calendar import PeriodLength
from budgets.costs import UNITS, CostEstimate
from budgets.errors import HoldAlreadyResolved, InsufficientBudget
from budgets.grants import create_grant, expire_grants
from budgets.models import Budget, Hold, HoldState, Period
from budgets.selectors import list_budget_statuses, read_statuses
from budgets.services import absorb_hold, expire_holds, release_hold, release_holds, settle_hold
from tests.budgets.ledger import LEASE, make_hold
from tests.budgets.model import ModelBudget, ModelGrant, ModelPeriod

# In a soak, 2,000 examples of 50 steps are 100,000 operations.
EXAMPLES, STEPS = (2000, 50) if os.environ.get("SOAK") else (12, 40)
ZONE = "America/Los_Angeles"
# Two days before the clocks go back in ZONE.
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
        # There is only one site budget, so reset it for each example.
        self.example = transaction.atomic()
        self.example.__enter__()
        self.now = BEGINNING
        self.site = get_site_budget()
        self.family = create_family_budget(time_zone=ZONE)
        self.people = [
            Person.objects.create(username=str(uuid4()), role=Role.TEEN, time_zone=ZONE) for _ in range(2)
        ]
        self.models: dict[int, ModelBudget] = {}
        self.around: dict[int, list[int]] = {}
        self.mine = {person.pk: get_budget(owner=person).pk for person in self.people}
        for person in self.people:
            self.around[person.pk] = [self.mine[person.pk], self.site.pk]
            self.allow(self.mine[person.pk], 1000, None, PeriodLength.DAY)
        self.allow(self.family.pk, 4000, None, PeriodLength.WEEK)
        self.allow(self.site.pk, 9000, None, PeriodLength.MONTH)
        self.holds: dict[UUID, ModelHold] = {}
        self.grants = 0

    def allow(
        self, pk: int, tokens: int | None, microdollars: int | None, period_length: PeriodLength
    ) -> None:
        budget = Budget.objects.get(pk=pk)
        limits = {"tokens": tokens, "microdollars": microdollars}
        values = {**limits, "period_length": period_length, "time_zone": ZONE}
        stated = preview_limits([budget], [values], now=self.now)[0]
        set_allowance(
            budget=budget, tokens=tokens, microdollars=microdollars, period_length=period_length, time_zone=ZONE,
            now=self.now,
        )  # fmt: skip
        # What the page said before the change is what the ledger says after it.
        status = read_statuses([Budget.objects.get(pk=pk)], now=self.now)[0]
        left = {"tokens": status.tokens_left, "microdollars": status.microdollars_left}
        assert (stated.left_after, stated.ends_at) == (left, status.refills_at)
        model = self.models.setdefault(pk, ModelBudget(limits, period_length, ZoneInfo(ZONE)))  # type: ignore[arg-type]
        model.allow(limits, period_length, self.now)  # type: ignore[arg-type]

    def budget(self, which: int) -> int:
        return [*self.mine.values(), self.family.pk, self.site.pk][which]

    @rule(
        target=made, who=st.integers(0, 1), prompt=st.integers(0, 400), answer=st.integers(1, 400),
        part=st.integers(1, 400), price=st.sampled_from([0, 0, 1, 3]),
    )  # fmt: skip
    def hold(self, who: int, prompt: int, answer: int, part: int, price: int) -> UUID:
        key, owner = uuid4(), self.people[who]
        need = CostEstimate(
            prompt_tokens=prompt, answer_tokens=answer, min_answer_tokens=min(part, answer),
            prompt_microdollars=prompt * price, answer_microdollars=answer * price,
        )  # fmt: skip
        ask = partial(
            make_hold, owner, key=key, prompt=prompt, answer=answer, least=need.min_answer_tokens,
            prompt_price=prompt * price, answer_price=answer * price, now=self.now,
        )  # fmt: skip
        # A rejected hold changes nothing and starts no period.
        before = copy.deepcopy((self.models, self.holds))
        *inner, site = [self.models[pk].opened(self.now) for pk in self.around[owner.pk]]
        longest = affordable([*inner, site], need)
        if longest < need.min_answer_tokens:
            self.models, self.holds = before
            with pytest.raises(InsufficientBudget) as short:
                ask()
            assert short.value.left < short.value.needed
            return key
        hold = ask()
        assert hold.answer_tokens == longest
        cost = {unit: need.cost(unit, answer=longest) for unit in UNITS}
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
            assert make_hold(owner, key=key, now=self.now).tokens == self.holds[key].tokens

    def resolve(self, key: UUID, tokens: int = 0, microdollars: int = 0) -> None:
        hold = self.holds.pop(key)
        for period in hold.periods:
            del period.holds[key]
            period.spent["tokens"] += min(tokens, hold.tokens)
            period.spent["microdollars"] += min(microdollars, hold.microdollars)

    @rule(key=consumes(made), used=st.integers(0, 900), cost=st.integers(0, 2000))
    def settle(self, key: UUID, used: int, cost: int) -> None:
        if key in self.holds:
            settle_hold(key=key, tokens=used, microdollars=cost, now=self.now)
            self.resolve(key, used, cost)
            with pytest.raises(HoldAlreadyResolved):
                settle_hold(key=key, tokens=used, microdollars=cost, now=self.now)

    @rule(key=consumes(made), together=st.booleans())
    def release(self, key: UUID, together: bool) -> None:
        if key not in self.holds:
            return
        if together:
            assert release_holds(keys=list(self.holds), now=self.now) == len(self.holds)
            for hold in list(self.holds):
                self.resolve(hold)
        else:
            release_hold(key=key, now=self.now)
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
        assert expire_holds(now=self.now) == len(overdue)
        for key in overdue:
            self.resolve(key)

    @rule(
        which=st.integers(0, 3),
        tokens=amounts,
        microdollars=amounts,
        period_length=st.sampled_from(PeriodLength),
    )
    def change_allowance(
        self, which: int, tokens: int | None, microdollars: int | None, period_length: PeriodLength
    ) -> None:
        self.allow(self.budget(which), tokens, microdollars, period_length)

    @rule(
        which=st.integers(0, 3), tokens=st.integers(0, 900), microdollars=st.integers(0, 900),
        minutes=st.sampled_from([30, 600, 2000, 9000]),
    )  # fmt: skip
    def give(self, which: int, tokens: int, microdollars: int, minutes: int) -> None:
        if tokens + microdollars == 0:
            return
        pk, expires_at = self.budget(which), self.now + timedelta(minutes=minutes)
        create_grant(
            budget=Budget.objects.get(pk=pk), tokens=tokens, microdollars=microdollars, expires_at=expires_at,
            reason="A test.", now=self.now,
        )  # fmt: skip
        self.grants += 1
        grant = ModelGrant(self.grants, expires_at, {"tokens": tokens, "microdollars": microdollars})
        self.models[pk].give(grant, self.now)

    @rule()
    def expire_grants(self) -> None:
        expire_grants(now=self.now)
        for model in self.models.values():
            model.expire(self.now)

    @rule(who=st.integers(0, 1), with_family=st.booleans())
    def nest(self, who: int, with_family: bool) -> None:
        person = self.people[who]
        set_parent_budget(owner=person, parent=self.family if with_family else self.site)
        families = [self.family.pk] if with_family else []
        self.around[person.pk] = [self.mine[person.pk], *families, self.site.pk]

    @invariant()
    def the_sums_match_the_model(self) -> None:
        for pk, model in self.models.items():
            if model.period is None:
                continue
            rows = Period.objects.filter(budget=pk, starts_at=model.period.span.starts_at)
            kept = rows.aggregate(
                *(Sum(name) for name in ("granted", "spent", "held")),
                *(Sum(f"{name}_microdollars") for name in ("granted", "spent", "held")),
            )
            for unit, tail in (("tokens", ""), ("microdollars", "_microdollars")):
                sums = [kept[f"{name}{tail}__sum"] for name in ("granted", "spent", "held")]
                period = model.period
                assert sums == [period.granted[unit], period.spent[unit], period.held(unit)], (pk, unit)  # type: ignore[index, arg-type]

    @invariant()
    def nobody_is_over_a_limit_and_nothing_else_is_held(self) -> None:
        for period in Period.objects.filter(budget__in=self.models):
            assert not period.limits_tokens or period.spent + period.held <= period.granted
        assert set(Hold.objects.filter(state=HoldState.HELD).values_list("key", flat=True)) == set(self.holds)

    @invariant()
    def what_is_told_is_the_models(self) -> None:
        for person in self.people:
            statuses = list_budget_statuses(owner=person, now=self.now)
            assert len(statuses) == len(self.around[person.pk])
            for pk, status in zip(self.around[person.pk], statuses, strict=True):
                model = copy.deepcopy(self.models[pk])
                period, is_open = model.period, model.is_open(self.now)
                if is_open and period and any(grant.expires_at <= self.now for grant in period.grants):
                    continue  # until the next hold or the task withdraws it
                period = model.opened(self.now)
                told = (status.tokens_left, status.microdollars_left, status.refills_at)
                assert told == (
                    period.left("tokens") if period.limited["tokens"] else None,
                    period.left("microdollars") if period.limited["microdollars"] else None,
                    period.span.ends_at,
                )

    def teardown(self) -> None:
        try:
            assert list(find_ledger_differences()) == []
            release_holds(keys=list(self.holds), now=self.now)
            assert not Period.objects.exclude(held=0, held_microdollars=0).exists()
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)


def affordable(periods: list[ModelPeriod], need: CostEstimate) -> int:
    longest = need.answer_tokens
    for period in periods:
        for unit in UNITS:
            if period.limited[unit]:
                longest = min(longest, need.longest(unit, left=period.left(unit)))
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
