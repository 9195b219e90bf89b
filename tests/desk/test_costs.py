"""The costs page: what the tutor cost, in the admin's own days, with every figure from the ledger."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db.models import Sum
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person, Role
from budgets.models import EntryKind, LedgerEntry
from budgets.services import absorb_hold, settle_hold
from budgets.spending import CostPeriod
from budgets.usage import Usage
from tests.budgets.generated import generate_calls
from tests.budgets.ledger import make_hold, set_budget

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 20, tzinfo=UTC)
COSTS = "/admin/desk/costs"


@pytest.fixture
def admin(as_person: Callable[[Person], Client], admin_person: Person) -> Client:
    Person.objects.filter(pk=admin_person.pk).update(time_zone="America/Los_Angeles")
    return as_person(admin_person)


@pytest.fixture(autouse=True)
def _on_the_20th(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def owner(make_person: Callable[..., Person]) -> Person:
    person = make_person("mia")
    set_budget(person, tokens=None, now=NOW - timedelta(days=60))
    return person


def call(owner: Person, at: datetime, *, fails: bool = False, **parts: Any) -> None:
    hold = make_hold(owner, answer_price=9_000_000, now=at)
    usage = Usage(
        **{
            "model": "large", "is_local": False, "memory_policy": "notes", "prompt_tokens": 200,
            "memory_tokens": 100, "prompt_microdollars": 500_000, "memory_microdollars": 200_000, **parts,
        }
    )  # fmt: skip
    resolve = absorb_hold if fails else settle_hold
    resolve(key=hold.key, tokens=300, microdollars=1_250_000, usage=usage, now=at)


def read_csv(reply: Any) -> list[list[str]]:
    text = b"".join(reply.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


class TestThePage:
    def test_says_what_this_month_cost(self, admin: Client, owner: Person) -> None:
        call(owner, NOW - timedelta(days=3))
        call(owner, NOW - timedelta(days=1), fails=True)
        call(owner, NOW - timedelta(days=40))
        page = admin.get(COSTS).content.decode()
        assert "$2.50" in page
        assert "The site itself paid $1.25 of this, for 1 answer that failed." in page
        assert "The month before cost $1.25." in page
        assert "At the pace of its days so far, this month will cost $3.95." in page
        assert "millionth" not in page.lower()

    def test_is_in_the_days_of_its_reader(self, admin: Client, owner: Person, admin_person: Person) -> None:
        # In Los Angeles it is still October.
        call(owner, datetime(2026, 11, 1, 6, tzinfo=UTC))
        assert "No question was answered" in admin.get(COSTS).content.decode()
        Person.objects.filter(pk=admin_person.pk).update(time_zone="Asia/Kathmandu")
        page = admin.get(COSTS).content.decode()
        assert "No question was answered" not in page
        assert "Asia/Kathmandu" in page

    def test_shows_other_months_and_days(self, admin: Client, owner: Person) -> None:
        call(owner, NOW - timedelta(days=40))
        assert "$1.25" in admin.get(f"{COSTS}?period=last").content.decode()
        page = admin.get(f"{COSTS}?period=custom&first=2026-10-11&last=2026-10-11").content.decode()
        assert "$1.25" in page
        assert "Oct. 11, 2026 to Oct. 11, 2026" in page

    def test_explains_days_that_cannot_be(self, admin: Client) -> None:
        reply = admin.get(f"{COSTS}?period=custom&first=2026-11-11&last=2026-11-10")
        assert reply.status_code == 422
        assert "Choose a day that is not before the first." in reply.content.decode()

    def test_of_an_empty_month_says_what_will_be_here(self, admin: Client) -> None:
        page = admin.get(COSTS).content.decode()
        assert "No question was answered in these days, so there is nothing to pay." in page
        assert "money-table" not in page

    def test_compares_tokens_where_every_model_is_free(self, admin: Client, owner: Person) -> None:
        hold = make_hold(owner, now=NOW)
        settle_hold(key=hold.key, tokens=300, microdollars=0, now=NOW)
        page = admin.get(COSTS).content.decode()
        assert "the bars below compare tokens" in page
        assert "$0.00" in page

    def test_names_and_describes_its_chart(self, admin: Client, owner: Person) -> None:
        call(owner, NOW)
        page = admin.get(COSTS).content.decode()
        assert '<title id="cost-title">Cost by day</title>' in page
        assert 'aria-labelledby="cost-title cost-desc"' in page
        assert "The highest is November 20 with $1.25." in page

    def test_asks_the_database_at_most_twelve_times(
        self,
        admin: Client,
        owner: Person,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        generate_calls([owner], count=500, starts_at=NOW - timedelta(days=45), length=timedelta(days=45))
        with django_assert_max_num_queries(12):
            admin.get(COSTS)
        with django_assert_max_num_queries(9):
            admin.get(COSTS)


class TestFigures:
    def test_equal_the_sums_of_the_ledgers_entries(
        self, admin: Client, owner: Person, make_person: Callable[..., Person]
    ) -> None:
        other = make_person("leo")
        set_budget(other, tokens=None, now=NOW - timedelta(days=60))
        generate_calls(
            [owner, other], count=1500, starts_at=NOW - timedelta(days=30), length=timedelta(days=30)
        )
        call(owner, NOW, fails=True)
        context: Any = admin.get(COSTS).context
        period: CostPeriod = context["chosen"].period
        entries = LedgerEntry.objects.filter(
            kind__in=[EntryKind.SETTLE, EntryKind.ABSORB, EntryKind.OVERRUN],
            at__gte=period.starts_at,
            at__lt=period.ends_at,
        )
        sums = entries.aggregate(tokens=Sum("tokens"), microdollars=Sum("microdollars"))
        for table in context["tables"]:
            assert sum(row.tokens for row in table.rows) == sums["tokens"], table.key
            assert sum(row.microdollars for row in table.rows) == sums["microdollars"], table.key
        drawn = sum(sum(series.values) for series in context["chart"].series)
        assert round(drawn * 1_000_000) == sums["microdollars"]


class TestFiles:
    @pytest.mark.parametrize("table", ["models", "plans", "directions", "memory", "days"])
    def test_of_each_table_add_up(self, admin: Client, owner: Person, table: str) -> None:
        call(owner, NOW)
        call(owner, NOW - timedelta(days=2), model="small")
        reply = admin.get(f"{COSTS}/{table}.csv?period=this")
        assert f"costs-by-{table}-2026-11-01-2026-11-30.csv" in reply["Content-Disposition"]
        _columns, *rows, total = read_csv(reply)
        assert total[-1] == "2.500000"
        assert sum(float(row[-1]) for row in rows) == pytest.approx(2.5)

    def test_run_no_formula(self, admin: Client, owner: Person) -> None:
        call(owner, NOW, model='=HYPERLINK("https://example.org")')
        assert read_csv(admin.get(f"{COSTS}/models.csv"))[1][0].startswith("'=")

    def test_of_an_unknown_table_are_not_found(self, admin: Client) -> None:
        assert admin.get(f"{COSTS}/secrets.csv").status_code == 404


class TestWhoMayOpenIt:
    def test_needs_the_permission_to_see_the_ledger(
        self, as_person: Callable[[Person], Client], make_person: Callable[..., Person]
    ) -> None:
        keeper = make_person("rosa", Role.ADMIN, is_staff=True)
        client = as_person(keeper)
        assert client.get(COSTS).status_code == 403
        assert client.get(f"{COSTS}/days.csv").status_code == 403
        keeper.user_permissions.add(Permission.objects.get(codename="view_ledgerentry"))
        assert client.get(COSTS).status_code == 200
