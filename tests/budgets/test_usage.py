"""What the ledger knows of a call to a model: which one, on which plan, and which part of it was memory."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Person
from budgets.allowances import assign_plan, get_budget
from budgets.audit import find_ledger_differences
from budgets.models import EntryKind, Forecast, Hold, LedgerEntry, Plan, UsageRecord
from budgets.services import absorb_hold, expire_holds, release_hold, settle_hold
from budgets.usage import Usage
from tests.budgets.ledger import LEASE, NOON, make_hold, set_budget

pytestmark = pytest.mark.django_db

USAGE = Usage(
    model="gpt-4-turbo", is_local=False, memory_policy="notes", prompt_tokens=180, question_tokens=20,
    memory_tokens=120, cached_tokens=60, prompt_microdollars=700, memory_microdollars=400,
)  # fmt: skip


def settle(hold: Hold, **changes: Any) -> None:
    settle_hold(**{"key": hold.key, "tokens": 250, "microdollars": 1000, "usage": USAGE, **changes})


class TestARecord:
    def test_says_what_the_model_read_and_wrote(self, budget_owner: Person) -> None:
        hold = make_hold(budget_owner, answer_price=2000)
        settle(hold, now=NOON)
        record = UsageRecord.objects.get(hold=hold)
        assert (record.at, record.model, record.is_local) == (NOON, "gpt-4-turbo", False)
        assert (record.tokens, record.prompt_tokens, record.question_tokens) == (250, 180, 20)
        assert (record.memory_policy, record.memory_tokens, record.cached_tokens) == ("notes", 120, 60)
        assert (record.microdollars, record.prompt_microdollars, record.memory_microdollars) == (
            1000,
            700,
            400,
        )

    def test_keeps_the_plan_of_its_day(self, budget_owner: Person) -> None:
        pro = Plan.objects.create(slug="club", name="Club", tokens=5000)
        settle(free := make_hold(budget_owner))
        assign_plan(owner=budget_owner, plan=pro)
        settle(paid := make_hold(budget_owner))
        assign_plan(owner=budget_owner, plan=None)
        assert UsageRecord.objects.get(hold=free).plan is None
        assert UsageRecord.objects.get(hold=paid).plan == pro
        assert UsageRecord.objects.get(hold=paid).budget == get_budget(owner=budget_owner)

    def test_says_that_the_site_pays_for_what_failed(self, budget_owner: Person) -> None:
        settle(answered := make_hold(budget_owner))
        absorb_hold(key=(failed := make_hold(budget_owner)).key, tokens=250, microdollars=1000, usage=USAGE)
        assert not UsageRecord.objects.get(hold=answered).is_absorbed
        assert UsageRecord.objects.get(hold=failed).is_absorbed

    def test_has_the_whole_use_beyond_a_hold(self, budget_owner: Person) -> None:
        settle(hold := make_hold(budget_owner, answer_price=300), tokens=900, microdollars=5000)
        assert UsageRecord.objects.get(hold=hold).tokens == 900
        assert UsageRecord.objects.get(hold=hold).microdollars == 5000

    def test_is_not_made_where_nothing_was_used(self, budget_owner: Person) -> None:
        release_hold(key=make_hold(budget_owner).key)
        make_hold(budget_owner)
        expire_holds(now=NOON + LEASE)
        assert not UsageRecord.objects.exists()

    def test_of_a_call_without_parts_counts_all_as_answer(self, budget_owner: Person) -> None:
        settle_hold(key=make_hold(budget_owner).key, tokens=250, microdollars=0)
        record = UsageRecord.objects.get()
        assert (record.tokens, record.prompt_tokens, record.model) == (250, 0, "")

    def test_never_changes(self, budget_owner: Person) -> None:
        settle(make_hold(budget_owner))
        with pytest.raises(IntegrityError), transaction.atomic():
            UsageRecord.objects.update(tokens=1)
        with pytest.raises(IntegrityError), transaction.atomic():
            UsageRecord.objects.all().delete()


@pytest.mark.parametrize(
    "parts",
    [
        {"prompt_tokens": 5, "memory_tokens": 6},
        {"prompt_tokens": 5, "question_tokens": 3, "memory_tokens": 3},
        {"prompt_tokens": 5, "cached_tokens": 6},
        {"prompt_microdollars": 1, "memory_microdollars": 2},
        {"memory_tokens": -1},
    ],
)
def test_a_part_is_never_larger_than_the_whole(parts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="part of a prompt"):
        Usage(**parts)


@pytest.mark.parametrize("more", [{"tokens": 100}, {"microdollars": 100}])
def test_a_prompt_costs_no_more_than_its_call(budget_owner: Person, more: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="whole call"):
        settle(make_hold(budget_owner), **more)
    assert not UsageRecord.objects.exists()


class TestTheAudit:
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["settle", "absorb", "release"]), st.integers(0, 900), st.integers(0, 3000)
            ),
            max_size=8,
        )
    )
    def test_finds_usage_to_be_the_sum_of_the_entries(
        self, budget_owner: Person, calls: list[tuple[str, int, int]]
    ) -> None:
        with transaction.atomic():
            set_budget(budget_owner, tokens=None)
            for how, tokens, microdollars in calls:
                hold = make_hold(budget_owner, answer_price=1000)
                if how == "release":
                    release_hold(key=hold.key)
                else:
                    resolve = settle_hold if how == "settle" else absorb_hold
                    resolve(key=hold.key, tokens=tokens, microdollars=microdollars)
            entries = LedgerEntry.objects.filter(
                kind__in=[EntryKind.SETTLE, EntryKind.ABSORB, EntryKind.OVERRUN]
            )
            sums = [Sum("tokens", default=0), Sum("microdollars", default=0)]
            assert UsageRecord.objects.aggregate(*sums) == entries.aggregate(*sums)
            assert list(find_ledger_differences()) == []
            transaction.set_rollback(True)

    def test_sees_a_cost_that_has_no_record(self, budget_owner: Person) -> None:
        hold = make_hold(budget_owner)
        settle_hold(key=hold.key, tokens=0, microdollars=0)
        LedgerEntry.objects.create(hold=hold, kind=EntryKind.OVERRUN, tokens=7, microdollars=9)
        found = [str(difference) for difference in find_ledger_differences()]
        assert f"usage of hold {hold.key}: tokens is 0, but its entries make 7" in found
        assert f"usage of hold {hold.key}: microdollars is 0, but its entries make 9" in found

    def test_sees_a_record_without_a_cost(self, budget_owner: Person) -> None:
        hold = make_hold(budget_owner)
        release_hold(key=hold.key)
        UsageRecord.objects.create(
            hold=hold, budget=get_budget(owner=budget_owner), is_local=True, is_absorbed=False, tokens=3,
            prompt_tokens=1, question_tokens=0, memory_tokens=0, cached_tokens=0, microdollars=0,
            prompt_microdollars=0, memory_microdollars=0,
        )  # fmt: skip
        assert [str(difference) for difference in find_ledger_differences()] == [
            f"usage of hold {hold.key}: tokens is 3, but its entries make 0"
        ]


def test_a_forecast_never_changes() -> None:
    Forecast.objects.create(
        starts_at=NOON, ends_at=NOON + LEASE, days=28, questions=1, tokens=1, microdollars=5,
        low_microdollars=4, high_microdollars=6,
    )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        Forecast.objects.update(microdollars=6)
    with pytest.raises(IntegrityError), transaction.atomic():
        Forecast.objects.all().delete()
