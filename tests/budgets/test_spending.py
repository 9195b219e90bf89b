"""Every figure of what was spent equals a sum over the ledger's entries, in the reader's own days."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from budgets.models import EntryKind, LedgerEntry
from budgets.services import absorb_hold, release_hold, settle_hold
from budgets.spending import Amounts, CostPeriod, add_amounts, forget_kept_sums, read_spending
from budgets.usage import Usage
from tests.budgets.generated import generate_calls
from tests.budgets.ledger import make_hold, set_budget

pytestmark = pytest.mark.django_db

LOS_ANGELES, KATHMANDU = ZoneInfo("America/Los_Angeles"), ZoneInfo("Asia/Kathmandu")
NOVEMBER = CostPeriod.build_month(date(2026, 11, 9), LOS_ANGELES)
# After the end of the month everywhere.
DECEMBER = datetime(2026, 12, 3, tzinfo=UTC)
moments = st.integers(0, 36 * 24 * 60).map(
    lambda minutes: datetime(2026, 10, 30, tzinfo=UTC) + timedelta(minutes=minutes)
)
COSTS = [EntryKind.SETTLE, EntryKind.ABSORB, EntryKind.OVERRUN]


def call(owner: Person, at: datetime, *, tokens: int = 300, microdollars: int = 50, **parts: Any) -> None:
    hold = make_hold(owner, answer_price=100, now=at)
    usage = Usage(**{"model": "small", "prompt_tokens": 100, **parts})
    settle_hold(key=hold.key, tokens=tokens, microdollars=microdollars, usage=usage, now=at)


@pytest.fixture
def owner(budget_owner: Person) -> Person:
    set_budget(budget_owner, tokens=None)
    return budget_owner


class TestAPeriod:
    def test_is_a_month_of_whole_days_in_the_readers_zone(self) -> None:
        assert (NOVEMBER.first, NOVEMBER.last, NOVEMBER.days) == (date(2026, 11, 1), date(2026, 11, 30), 30)
        # The clocks go back on the 1st, so it begins in summer time and ends in winter time.
        assert NOVEMBER.starts_at.astimezone(UTC) == datetime(2026, 11, 1, 7, tzinfo=UTC)
        assert NOVEMBER.ends_at.astimezone(UTC) == datetime(2026, 12, 1, 8, tzinfo=UTC)

    def test_knows_the_month_before(self) -> None:
        january = CostPeriod.build_month(date(2027, 1, 31), KATHMANDU)
        assert january.build_previous_month() == CostPeriod(date(2026, 12, 1), date(2026, 12, 31), KATHMANDU)

    def test_puts_a_late_evening_into_the_day_of_the_reader(self, owner: Person) -> None:
        call(owner, datetime(2026, 11, 14, 3, tzinfo=UTC))
        for zone, day in ((LOS_ANGELES, 13), (KATHMANDU, 14)):
            spending = read_spending(CostPeriod.build_month(date(2026, 11, 1), zone), now=DECEMBER)
            assert [when.day for when, amounts in spending.iterate_days() if amounts.calls] == [day]

    def test_ends_with_its_last_moment(self, owner: Person) -> None:
        call(owner, NOVEMBER.starts_at)
        call(owner, NOVEMBER.ends_at - timedelta(microseconds=1))
        call(owner, NOVEMBER.ends_at)
        assert read_spending(NOVEMBER, now=DECEMBER).total.calls == 2


class TestSums:
    def test_are_by_day_model_plan_and_memory(self, owner: Person, other_owner: Person) -> None:
        at = datetime(2026, 11, 10, 20, tzinfo=UTC)
        call(owner, at, model="small", memory_policy="notes", memory_tokens=40)
        call(
            owner,
            at + timedelta(days=1),
            model="large",
            is_local=False,
            prompt_microdollars=20,
            memory_microdollars=5,
        )
        call(other_owner, at + timedelta(days=1), model="large", is_local=False)
        spending = read_spending(NOVEMBER, now=DECEMBER)
        assert spending.people == 2
        by_model = spending.group_by(lambda row: row.model)
        assert list(by_model) == ["large", "small"]
        assert (by_model["large"].calls, by_model["large"].microdollars) == (2, 100)
        assert by_model["large"].answer_microdollars == 80
        assert by_model["large"].other_prompt_microdollars == 15
        assert spending.group_by(lambda row: row.memory_policy)["notes"].memory_tokens == 40
        assert spending.sum_where(lambda row: row.is_local).calls == 1

    def test_of_an_empty_month_are_nothing_on_each_of_its_days(self) -> None:
        spending = read_spending(NOVEMBER, now=DECEMBER)
        assert spending.total == Amounts()
        assert len(list(spending.iterate_days())) == 30
        assert spending.people == 0

    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        calls=st.lists(
            st.tuples(
                st.sampled_from(["settle", "absorb", "release"]),
                moments,
                st.integers(0, 900),
                st.integers(0, 2000),
                st.sampled_from(["small", "large"]),
            ),
            max_size=10,
        ),
        zone=st.sampled_from(["America/Los_Angeles", "Asia/Kathmandu", "Pacific/Kiritimati", "UTC"]),
        now=moments,
    )
    def test_equal_the_sums_of_the_ledgers_entries(
        self, owner: Person, calls: list[Any], zone: str, now: datetime
    ) -> None:
        with transaction.atomic():
            for how, at, tokens, microdollars, model in sorted(calls, key=lambda each: each[1]):
                hold = make_hold(owner, answer_price=1000, now=at)
                usage = Usage(model=model, prompt_tokens=tokens // 2, prompt_microdollars=microdollars // 3)
                if how == "release":
                    release_hold(key=hold.key, now=at)
                    continue
                resolve = settle_hold if how == "settle" else absorb_hold
                resolve(key=hold.key, tokens=tokens, microdollars=microdollars, usage=usage, now=at)
            period = CostPeriod(date(2026, 11, 1), date(2026, 11, 30), ZoneInfo(zone))
            spending = read_spending(period, now=now)
            tokens_by_day, dollars_by_day = Counter[date](), Counter[date]()
            for entry in LedgerEntry.objects.filter(kind__in=COSTS):
                day = entry.at.astimezone(period.zone).date()
                if period.first <= day <= period.last:
                    tokens_by_day[day] += entry.tokens
                    dollars_by_day[day] += entry.microdollars
            for day, amounts in spending.iterate_days():
                assert (amounts.tokens, amounts.microdollars) == (tokens_by_day[day], dollars_by_day[day])
            for key in ("model", "plan_id", "memory_policy", "is_local", "is_absorbed"):
                groups = spending.group_by(lambda row, key=key: getattr(row, key))  # type: ignore[misc]
                assert add_amounts(groups.values()) == spending.total
            total = spending.total
            assert total.microdollars == sum(dollars_by_day.values())
            assert total.microdollars == total.answer_microdollars + total.prompt_microdollars
            transaction.set_rollback(True)
        forget_kept_sums()


class TestKeptSums:
    def test_make_a_second_reading_cheaper(
        self, owner: Person, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        now = datetime(2026, 11, 20, 20, tzinfo=UTC)
        for days in range(3):
            call(owner, now - timedelta(days=days))
        with django_assert_num_queries(4):
            first = read_spending(NOVEMBER, now=now)
        with django_assert_num_queries(3):
            assert read_spending(NOVEMBER, now=now) == first

    def test_are_read_again_after_a_late_record(self, owner: Person) -> None:
        call(owner, datetime(2026, 11, 3, tzinfo=UTC))
        assert read_spending(NOVEMBER, now=DECEMBER).total.calls == 1
        call(owner, datetime(2026, 11, 4, tzinfo=UTC))
        assert read_spending(NOVEMBER, now=DECEMBER).total.calls == 2

    def test_of_a_generated_ledger_equal_its_entries(self, owner: Person, other_owner: Person) -> None:
        generate_calls(
            [owner, other_owner], count=2000, starts_at=NOVEMBER.starts_at, length=timedelta(days=30)
        )
        total = read_spending(NOVEMBER, now=DECEMBER).total
        entries = LedgerEntry.objects.filter(
            kind__in=COSTS, at__gte=NOVEMBER.starts_at, at__lt=NOVEMBER.ends_at
        )
        assert total.microdollars == sum(entries.values_list("microdollars", flat=True))
        assert total.tokens == sum(entries.values_list("tokens", flat=True))
