"""A person's budget is inside a family's and the site's: a hold takes from all of them or from none."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Person
from budgets.allowances import (
    create_family_budget,
    get_budget,
    get_site_budget,
    set_allowance,
    set_parent_budget,
    set_site_stopped,
)
from budgets.calendar import PeriodLength
from budgets.errors import InsufficientBudget, InvalidNesting, SiteStopped
from budgets.models import SITE_SHARDS, Budget, BudgetScope, EntryKind, Hold, Overrun, Period
from budgets.selectors import get_meter, list_budget_statuses
from budgets.services import release_hold, release_holds, settle_hold
from tests.budgets.ledger import NEXT_MORNING, NOON, audit_text, get_period_sums, make_hold, set_budget

NEXT_MONTH = datetime(2026, 12, 1, 15, tzinfo=UTC)


@pytest.fixture
def family(budget_owner: Person, other_owner: Person) -> Budget:
    """1,000 tokens a day for one person, no limit for the other, and 1,500 a month for both together."""
    set_budget(other_owner, tokens=None)
    family = create_family_budget(time_zone="America/Los_Angeles")
    for owner in (budget_owner, other_owner):
        set_parent_budget(owner=owner, parent=family)
    return set_allowance(budget=family, tokens=1500)


def set_site_limit(tokens: int | None, microdollars: int | None = None) -> None:
    set_allowance(budget=get_site_budget(), tokens=tokens, microdollars=microdollars, now=NOON)


def get_site_sums() -> tuple[int, int, int]:
    """Return what all shards together granted, spent and held."""
    rows = Period.objects.filter(budget__scope=BudgetScope.SITE)
    return sum(row.granted for row in rows), sum(row.spent for row in rows), sum(row.held for row in rows)


class TestAllOrNone:
    def test_a_hold_is_made_and_settled_in_every_scope(self, budget_owner: Person, family: Budget) -> None:
        hold = make_hold(budget_owner, prompt_price=10, answer_price=30)
        assert hold.family_period
        assert (get_period_sums(hold.period), get_period_sums(hold.family_period), get_site_sums()) == (
            (1000, 0, 400),
            (1500, 0, 400),
            (0, 0, 400),
        )
        settle_hold(key=hold.key, tokens=250, microdollars=25)
        assert (get_period_sums(hold.period), get_period_sums(hold.family_period), get_site_sums()) == (
            (1000, 250, 0),
            (1500, 250, 0),
            (0, 250, 0),
        )
        assert [period.spent_microdollars for period in Period.objects.exclude(spent=0)] == [25] * 3
        audit_text()

    def test_without_a_family_a_hold_has_two_scopes(self, budget_owner: Person) -> None:
        assert make_hold(budget_owner).family_period is None

    def test_family_members_share_one_budget(
        self, budget_owner: Person, other_owner: Person, family: Budget
    ) -> None:
        make_hold(other_owner, prompt=1000, answer=300)
        hold = make_hold(budget_owner)
        assert hold.answer_tokens == 100
        assert hold.shortened_by
        assert (hold.shortened_by.scope, hold.shortened_by.refills_at) == (BudgetScope.FAMILY, NEXT_MONTH)

    def test_a_family_that_is_short_says_so_and_nothing_is_held_anywhere(
        self, budget_owner: Person, other_owner: Person, family: Budget
    ) -> None:
        make_hold(other_owner, prompt=1000, answer=400)
        with pytest.raises(InsufficientBudget) as short:
            make_hold(budget_owner, least=60)
        error = short.value
        assert (error.scope, error.unit, error.needed, error.left) == (
            BudgetScope.FAMILY,
            "tokens",
            160,
            100,
        )
        assert (error.short_by, error.refills_at) == (60, NEXT_MONTH)
        assert not Period.objects.filter(budget__owner=budget_owner).exclude(held=0).exists()
        assert get_site_sums()[2] == 1400
        audit_text()

    def test_a_site_that_is_short_says_so(self, budget_owner: Person) -> None:
        set_site_limit(300)
        with pytest.raises(InsufficientBudget) as short:
            make_hold(budget_owner, prompt=280)
        assert (short.value.scope, short.value.left, short.value.refills_at) == (
            BudgetScope.SITE,
            300,
            NEXT_MONTH,
        )

    def test_of_two_that_are_short_the_one_that_refills_last_is_named(
        self, budget_owner: Person, family: Budget
    ) -> None:
        set_allowance(budget=family, tokens=10)
        with pytest.raises(InsufficientBudget) as short:
            make_hold(budget_owner, prompt=2000)
        assert short.value.scope == BudgetScope.FAMILY


class TestMoney:
    def test_an_answer_is_shortened_to_what_can_be_paid(self, budget_owner: Person) -> None:
        set_budget(budget_owner, tokens=None, microdollars=700, now=NOON)
        hold = make_hold(budget_owner, prompt=100, answer=300, prompt_price=100, answer_price=900)
        assert (hold.answer_tokens, hold.microdollars) == (200, 700)
        assert hold.period.budget.periods.get().held_microdollars == 700

    def test_too_little_money_is_refused_in_money(self, budget_owner: Person) -> None:
        set_budget(budget_owner, tokens=1000, microdollars=120, now=NOON)
        with pytest.raises(InsufficientBudget) as short:
            make_hold(budget_owner, least=50, prompt_price=100, answer_price=900)
        error = short.value
        assert (error.unit, error.needed, error.left, error.refills_at) == (
            "microdollars", 250, 120, NEXT_MORNING,
        )  # fmt: skip

    def test_what_costs_nothing_needs_no_money(self, budget_owner: Person) -> None:
        set_budget(budget_owner, tokens=1000, microdollars=0, now=NOON)
        assert make_hold(budget_owner).microdollars == 0

    def test_money_beyond_the_hold_is_an_overrun_on_the_sites_budget(
        self, budget_owner: Person, caplog: pytest.LogCaptureFixture
    ) -> None:
        set_budget(budget_owner, tokens=1000, microdollars=500, now=NOON)
        hold = make_hold(budget_owner, answer_price=400)
        settle_hold(key=hold.key, tokens=300, microdollars=1000)
        period = budget_owner.budget.periods.get()
        assert (period.spent, period.spent_microdollars, period.held_microdollars) == (300, 400, 0)
        overrun = Overrun.objects.get(kind=EntryKind.OVERRUN)
        assert (overrun.tokens, overrun.microdollars) == (0, 600)
        assert overrun.period
        assert overrun.period.budget.scope == BudgetScope.SITE
        assert "600 microdollars" in caplog.text
        audit_text()


class TestTheSitesShards:
    def test_a_period_of_the_site_is_split_and_comes_to_its_limit(self, budget_owner: Person) -> None:
        set_site_limit(1000)
        make_hold(budget_owner, prompt=1, answer=1, least=1)
        shards = Period.objects.filter(budget__scope=BudgetScope.SITE)
        assert len(shards) == SITE_SHARDS
        assert sum(shard.granted for shard in shards) == 1000
        audit_text()

    def test_a_hold_may_use_another_shards_tokens(self, budget_owner: Person) -> None:
        set_site_limit(1000)
        assert make_hold(budget_owner, prompt=500, answer=500).answer_tokens == 500
        assert get_site_sums() == (1000, 0, 1000)
        audit_text()

    def test_every_shard_can_use_the_sites_last_token_and_no_more(self, db: None) -> None:
        set_site_limit(10 * SITE_SHARDS)
        owners = [Person.objects.create(username=f"one-{n}", role="teen") for n in range(2 * SITE_SHARDS)]
        for owner in owners:
            make_hold(owner, prompt=0, answer=5, least=5)
        assert get_site_sums() == (10 * SITE_SHARDS, 0, 10 * SITE_SHARDS)
        with pytest.raises(InsufficientBudget):
            make_hold(owners[0], prompt=0, answer=1, least=1)
        audit_text()

    def test_a_limit_that_is_changed_is_split_anew(self, budget_owner: Person) -> None:
        hold = make_hold(budget_owner)
        set_site_limit(5000)
        assert get_site_sums() == (5000, 0, 400)
        set_site_limit(100)
        assert get_site_sums() == (400, 0, 400)
        release_hold(key=hold.key)
        set_site_limit(None)
        assert make_hold(budget_owner, prompt=500).prompt_tokens == 500
        audit_text()

    def test_more_shards_may_be_given_in_the_middle_of_a_period(
        self, budget_owner: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        set_site_limit(1000)
        make_hold(budget_owner, prompt=1, answer=1, least=1)
        more = 4 * SITE_SHARDS + 1
        for place in ("budgets.models.budgets", "budgets.services", "budgets.postings"):
            monkeypatch.setattr(f"{place}.SITE_SHARDS", more)
        assert make_hold(budget_owner, prompt=400, answer=300).tokens == 700
        assert Period.objects.filter(budget__scope=BudgetScope.SITE).count() == more
        audit_text()


class TestTheStop:
    def test_a_stopped_site_holds_nothing_until_it_is_restarted(self, budget_owner: Person) -> None:
        hold = make_hold(budget_owner)
        assert set_site_stopped(is_stopped=True)
        assert not set_site_stopped(is_stopped=True)
        with pytest.raises(SiteStopped, match="An admin has stopped"):
            make_hold(budget_owner)
        # Answers in progress are finished.
        settle_hold(key=hold.key, tokens=100, microdollars=0)
        assert set_site_stopped(is_stopped=False)
        assert make_hold(budget_owner).tokens == 400
        audit_text()

    def test_the_same_key_again_is_answered_even_then(self, budget_owner: Person) -> None:
        hold = make_hold(budget_owner)
        set_site_stopped(is_stopped=True)
        assert make_hold(budget_owner, key=hold.key).key == hold.key


class TestMoving:
    def test_a_hold_settles_where_it_was_made(self, budget_owner: Person, family: Budget) -> None:
        hold = make_hold(budget_owner)
        set_parent_budget(owner=budget_owner, parent=get_site_budget())
        settle_hold(key=hold.key, tokens=100, microdollars=0)
        assert get_period_sums(family.periods.get()) == (1500, 100, 0)
        assert make_hold(budget_owner).family_period is None
        audit_text()

    def test_several_holds_are_returned_at_once_and_a_resolved_one_stays(
        self, budget_owner: Person, family: Budget
    ) -> None:
        first, second, settled = (make_hold(budget_owner, prompt=10, answer=50) for _ in range(3))
        settle_hold(key=settled.key, tokens=10, microdollars=0)
        assert release_holds(keys=[first.key, second.key, settled.key, uuid4()]) == 2
        assert get_period_sums(first.period) == (1000, 10, 0)
        audit_text()

    def test_a_persons_budget_cannot_be_a_parent(self, budget_owner: Person, other_owner: Person) -> None:
        with pytest.raises(InvalidNesting):
            set_parent_budget(owner=budget_owner, parent=get_budget(owner=other_owner))

    @pytest.mark.parametrize(
        ("scope", "parent", "constraint"),
        [
            (BudgetScope.FAMILY, BudgetScope.FAMILY, "wider scope"),
            (BudgetScope.FAMILY, BudgetScope.PERSON, "wider scope"),
            (BudgetScope.PERSON, BudgetScope.PERSON, "wider scope"),
            (BudgetScope.PERSON, None, "budget_parent_unless_site"),
            (BudgetScope.SITE, None, "budget_one_site"),
            ("club", BudgetScope.SITE, "budget_scope_known"),
        ],
    )
    def test_the_database_refuses_invalid_nesting(
        self, budget_owner: Person, family: Budget, scope: str, parent: str | None, constraint: str
    ) -> None:
        around = {
            BudgetScope.FAMILY: family,
            BudgetScope.PERSON: budget_owner.budget,
            BudgetScope.SITE: get_site_budget(),
            None: None,
        }
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            Budget.objects.create(scope=scope, parent=around[parent])  # type: ignore[index]


class TestLengths:
    def test_weeks_and_months_roll_over_with_the_hold_that_finds_them_over(
        self, budget_owner: Person, family: Budget
    ) -> None:
        set_allowance(budget=family, tokens=1500, period_length=PeriodLength.WEEK)
        monday = datetime(2026, 11, 30, 15, tzinfo=UTC)
        before = make_hold(budget_owner, now=monday - timedelta(seconds=1))
        after = make_hold(budget_owner, now=monday)
        assert before.family_period
        assert after.family_period
        assert before.family_period.ends_at == after.family_period.starts_at == monday
        assert before.site_period == after.site_period
        next_month = make_hold(budget_owner, now=NEXT_MONTH)
        assert next_month.site_period
        assert next_month.site_period.starts_at == NEXT_MONTH
        audit_text()

    def test_from_days_to_months_the_rest_of_the_month_grants_its_part(self, budget_owner: Person) -> None:
        make_hold(budget_owner)
        set_budget(budget_owner, tokens=30_000, period_length=PeriodLength.MONTH, now=NOON)
        assert budget_owner.budget.periods.get().granted == 1000
        month = make_hold(budget_owner, now=NEXT_MORNING).period
        assert (month.starts_at, month.ends_at, month.granted) == (NEXT_MORNING, NEXT_MONTH, 5000)


class TestStatuses:
    def test_every_scope_is_listed_innermost_first(self, budget_owner: Person, family: Budget) -> None:
        make_hold(budget_owner, prompt_price=5)
        own, together, site = list_budget_statuses(owner=budget_owner, now=NOON)
        assert [budget.scope for budget in (own, together, site)] == [
            BudgetScope.PERSON,
            BudgetScope.FAMILY,
            BudgetScope.SITE,
        ]
        assert (own.tokens_left, together.tokens_left, site.tokens_left) == (600, 1100, None)
        assert (site.tokens_held, site.microdollars_held, site.microdollars_left) == (400, 5, None)
        assert (own.refills_at, together.refills_at) == (NEXT_MORNING, NEXT_MONTH)

    def test_the_meter_shows_the_budget_with_the_least_left(
        self, budget_owner: Person, other_owner: Person, family: Budget
    ) -> None:
        make_hold(other_owner, prompt=900, answer=500)
        meter = get_meter(owner=budget_owner, now=NOON)
        assert (meter.scope, meter.left, meter.granted, meter.refills_at) == (
            BudgetScope.FAMILY,
            100,
            1000,
            NEXT_MONTH,
        )
        assert meter.short_answers == 0

    def test_no_limit_anywhere_is_none(self, other_owner: Person) -> None:
        set_budget(other_owner, tokens=None)
        make_hold(other_owner)
        meter = get_meter(owner=other_owner, now=NOON)
        assert (meter.granted, meter.left, meter.short_answers, meter.fraction_left) == (
            None,
            None,
            None,
            1.0,
        )


def test_a_hold_without_outer_periods_can_be_resolved(budget_owner: Person) -> None:
    made = make_hold(budget_owner)
    old = Hold.objects.create(
        key=uuid4(), period=made.period, prompt_tokens=0, answer_tokens=0, expires_at=NEXT_MORNING
    )
    settle_hold(key=old.key, tokens=0, microdollars=7)
    assert get_period_sums(made.period) == (1000, 0, 400)
    assert Overrun.objects.get(kind=EntryKind.OVERRUN).period == made.period
