"""The forecast page: next month from this site's own numbers, with the table of the lesson as cases."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person, Role
from budgets.models import Forecast, Hold, HoldState, UsageRecord
from budgets.pricing import PRESETS
from tests.budgets.ledger import make_hold, set_budget

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 20, tzinfo=UTC)
FORECAST = "/admin/desk/forecast"
WEEKS = 8


@pytest.fixture
def admin(as_person: Callable[[Person], Client], admin_person: Person) -> Client:
    Person.objects.filter(pk=admin_person.pk).update(time_zone="UTC")
    return as_person(admin_person)


@pytest.fixture(autouse=True)
def _on_the_20th(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def use_site(people: list[Person], *, weeks: int = WEEKS, microdollars: int = 1000) -> None:
    """Let each person ask one outside and one local model a question a day, each the same."""
    for person in people:
        budget = set_budget(person, tokens=None, now=NOW - timedelta(days=100))
        period = make_hold(person, now=NOW - timedelta(days=100)).period
        for is_local in (False, True):
            cost = 0 if is_local else microdollars
            holds = [
                Hold(
                    key=uuid4(), period=period, prompt_tokens=500, answer_tokens=100, state=HoldState.SETTLED,
                    expires_at=NOW, created_at=NOW - timedelta(days=days), resolved_at=NOW - timedelta(days=days),
                )
                for days in range(1, weeks * 7 + 1)
            ]  # fmt: skip
            Hold.objects.bulk_create(holds)
            UsageRecord.objects.bulk_create(
                UsageRecord(
                    hold=hold, at=hold.created_at, budget=budget, model="small" if is_local else "large",
                    is_local=is_local, memory_policy="window", is_absorbed=False, tokens=600, prompt_tokens=500,
                    question_tokens=50, memory_tokens=300, cached_tokens=0, microdollars=cost,
                    prompt_microdollars=cost // 2, memory_microdollars=cost // 4,
                )
                for hold in holds
            )  # fmt: skip


@pytest.fixture
def people(make_person: Callable[..., Person]) -> list[Person]:
    return [make_person("mia"), make_person("leo")]


class TestTheSitesOwnNumbers:
    def test_make_the_forecast_of_next_month(self, admin: Client, people: list[Person]) -> None:
        use_site(people)
        context: Any = admin.get(FORECAST).context
        # Two people, an outside question a day at $0.001 each, for the 31 days of December.
        assert f"{context['month'].dollars:.6f}" == "0.062000"
        assert context["made"].period.first.month == 12
        assert context["form"].initial["people"] == 2
        assert (context["form"].initial["questions"], context["form"].initial["local"]) == (62, 50)
        assert (context["form"].initial["fixed"], context["form"].initial["answer"]) == (200, 100)
        # Half of a dollar's thousandth for 500 tokens.
        assert context["form"].initial["input_price"] == 1

    def test_have_a_range_after_five_weeks(self, admin: Client, people: list[Person]) -> None:
        use_site(people[:1], weeks=4)
        assert "There is no range yet" in admin.get(FORECAST).content.decode()
        use_site(people[1:])
        assert "In four months out of five" in admin.get(FORECAST).content.decode()

    def test_may_be_missing(self, admin: Client) -> None:
        page = admin.get(FORECAST).content.decode()
        assert "In the last four weeks no question was answered" in page
        assert "$0.00" in page

    def test_are_named_as_a_way_back(self, admin: Client, people: list[Person]) -> None:
        use_site(people)
        page = admin.get(f"{FORECAST}?people=4").content.decode()
        assert "With your site’s own numbers it would be $0.06." in page
        assert "$0.12" in page

    def test_count_exactly_where_the_form_shows_them_rounded(
        self, admin: Client, people: list[Person]
    ) -> None:
        use_site(people, microdollars=1001)
        own: Any = admin.get(FORECAST).context
        shown = {name: str(value) for name, value in own["form"].initial.items()}
        same: Any = admin.get(FORECAST, shown).context
        assert same["month"].dollars == own["month"].dollars
        assert not same["month"].is_changed


class TestSliders:
    def test_change_users_frequency_memory_length_and_local_share(
        self, admin: Client, people: list[Person]
    ) -> None:
        use_site(people)

        def ask(**numbers: str | int) -> Any:
            return admin.get(FORECAST, numbers).context["month"]

        own = ask()
        assert ask(people=20).dollars == 10 * own.dollars
        assert float(ask(questions=31).dollars) == pytest.approx(float(own.dollars) / 2)
        assert ask(local=100).dollars == 0
        assert ask(answer=200).dollars > own.dollars > ask(answer=0).dollars
        assert ask(memory="none").scenario.size.memory == 0
        assert ask(memory="other", memory_tokens=300).dollars == own.dollars
        assert ask(memory="full").dollars >= ask(memory="window").dollars

    @pytest.mark.parametrize(
        ("numbers", "field"),
        [
            ({"people": "-1"}, "people"),
            ({"local": "101"}, "local"),
            ({"answer": "many"}, "answer"),
            ({"memory": "all"}, "memory"),
        ],
    )
    def test_that_cannot_be_are_explained(self, admin: Client, numbers: dict[str, str], field: str) -> None:
        reply = admin.get(FORECAST, numbers)
        assert reply.status_code == 422
        assert reply.context["form"].errors[field]
        assert "One of your numbers can’t be used" in reply.content.decode()


class TestTheLessonsCases:
    @pytest.mark.parametrize("name", PRESETS)
    def test_are_right_to_the_cent(self, admin: Client, name: str) -> None:
        context: Any = admin.get(FORECAST, {"preset": name}).context
        assert context["month"].dollars == PRESETS[name].calculate_total()

    def test_are_on_the_page(self, admin: Client) -> None:
        page = admin.get(FORECAST).content.decode()
        totals = "$2,000.00 $400,000.00 $2,400,000.00 $22,500,000.00 $90,000,000.00 $57,600,000,000.00"
        for total in totals.split():
            assert total in page

    def test_have_no_range(self, admin: Client, people: list[Person]) -> None:
        use_site(people)
        assert "In four months out of five" not in admin.get(f"{FORECAST}?preset=thread").content.decode()


class TestWhatWouldChangeItMost:
    def test_is_ranked(self, admin: Client, people: list[Person]) -> None:
        use_site(people)
        levers = admin.get(FORECAST).context["levers"]
        sizes: dict[str, Any] = {}
        for row in levers:
            sizes[row.factor] = max(sizes.get(row.factor, 0), abs(row.difference))
        assert list(sizes.values()) == sorted(sizes.values(), reverse=True)
        assert levers[0].share == 1

    def test_is_a_file_too(self, admin: Client, people: list[Person]) -> None:
        use_site(people)
        reply = admin.get(f"{FORECAST}/levers.csv?people=4")
        rows = list(csv.reader(io.StringIO(b"".join(reply.streaming_content).decode("utf-8-sig"))))  # type: ignore[attr-defined]
        assert ["People who ask", "a fifth more", "0.148800", "0.024800"] in rows


class TestEarlierForecasts:
    def test_stand_beside_what_happened(self, admin: Client, people: list[Person], settings: Any) -> None:
        settings.DEFAULT_PERSON_TIME_ZONE = "UTC"
        use_site(people)
        for month, days in ((10, 31), (11, 30)):
            starts_at = datetime(2026, month, 1, tzinfo=UTC)
            Forecast.objects.create(
                starts_at=starts_at, ends_at=starts_at + timedelta(days=days), days=56, questions=1, tokens=1,
                microdollars=50_000, low_microdollars=40_000, high_microdollars=60_000,
            )  # fmt: skip
        page = admin.get(FORECAST).content.decode()
        # October: 31 days of two outside questions.
        assert "outside the range (24.0%)" in page
        assert "so far" in page
        reply = admin.get(f"{FORECAST}/months.csv")
        rows = list(csv.reader(io.StringIO(b"".join(reply.streaming_content).decode("utf-8-sig"))))  # type: ignore[attr-defined]
        assert rows[2] == ["2026-10", "0.050000", "0.040000", "0.060000", "0.062000"]

    def test_are_explained_before_there_is_one(self, admin: Client) -> None:
        assert "A forecast is kept in the first days of each month" in admin.get(FORECAST).content.decode()


def test_asks_the_database_at_most_twelve_times(
    admin: Client, people: list[Person], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    use_site(people[:1])
    for month, days in ((10, 31), (11, 30)):
        starts_at = datetime(2026, month, 1, tzinfo=UTC)
        Forecast.objects.create(
            starts_at=starts_at, ends_at=starts_at + timedelta(days=days), days=56, questions=1, tokens=1,
            microdollars=5, low_microdollars=4, high_microdollars=6,
        )  # fmt: skip
    admin.get(FORECAST)
    with django_assert_max_num_queries(12):
        admin.get(FORECAST)


def test_needs_the_permission_to_see_the_ledger(
    as_person: Callable[[Person], Client], make_person: Callable[..., Person]
) -> None:
    keeper = make_person("rosa", Role.ADMIN, is_staff=True)
    assert as_person(keeper).get(FORECAST).status_code == 403
    keeper.user_permissions.add(Permission.objects.get(codename="view_ledgerentry"))
    assert as_person(keeper).get(FORECAST).status_code == 200
    assert as_person(keeper).get(f"{FORECAST}/nothing.csv").status_code == 404
