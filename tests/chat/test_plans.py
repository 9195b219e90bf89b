"""What a person's plan gives them, on a page and in the API, in answers and words instead of tokens."""

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Person
from budgets.allowances import assign_plan, load_plans
from budgets.models import PeriodLength, Plan
from chat.plans import PlanSummary, list_agreed_limits, list_plan_summaries
from families.terms import Terms
from kit.memory_policy import MemoryPolicy
from routing.models import TutorModel
from tests.rest.problems import require_problem

AsPerson = Callable[[Person], Client]


@pytest.fixture(autouse=True)
def _cloud(db: None, settings: Settings) -> None:
    settings.TUTOR_HOSTS, settings.TUTOR_ANSWER_TOKENS = ["api.example.com"], 400
    TutorModel.objects.create(
        name="Cloud",
        base_url="https://api.example.com/v1",
        model_name="big",
        answer_tokens=2000,
        context_tokens=32_000,
        position=1,
    )
    load_plans()


@pytest.fixture
def pro() -> Plan:
    return Plan.objects.get(slug=Plan.PRO)


def squeeze(page: str) -> str:
    return " ".join(page.split())


def test_pro_is_longer_and_remembers_more_where_a_model_allows_it(teen: Person) -> None:
    free, pro = list_plan_summaries(teen)
    assert (free.name, free.is_own, pro.name, pro.is_own) == ("Free", True, "Pro", False)
    assert (free.short_answers, free.answer_words, free.memory_words) == (40, 300, 750)
    assert (pro.short_answers, pro.answer_words, pro.memory_words) == (400, 850, 2300)


def test_a_small_model_gives_both_the_same_length(teen: Person, settings: Settings) -> None:
    settings.TUTOR_CONTEXT_TOKENS = 2048
    TutorModel.objects.filter(name="Cloud").delete()
    free, pro = list_plan_summaries(teen)
    assert free.answer_words == pro.answer_words == 300
    # And no more memory than fits into its context.
    assert (free.memory_words, pro.memory_words) == (750, 800)


def test_the_page_shows_the_own_plan_beside_the_other(teen: Person, as_person: AsPerson, pro: Plan) -> None:
    page = squeeze(as_person(teen).get("/tutor/plan").content.decode())
    assert "Your plan: Free" in page
    assert page.count("your plan</span>") == 1
    assert page.index("About 40 short answers a day") < page.index("About 400 short answers a day")
    assert "outside, at api.example.com" in page
    assert "on this site’s own computers" in page
    assert "decide which plan a person is on" in page
    assign_plan(owner=teen, plan=pro)
    page = squeeze(as_person(teen).get("/tutor/plan").content.decode())
    assert "Your plan: Pro" in page
    assert page.index("About 400 short answers a day") < page.index("About 40 short answers a day")


def test_a_plan_of_other_people_is_not_shown(teen: Person, as_person: AsPerson) -> None:
    Plan.objects.create(slug="smiths", name="The Smiths")
    assert "Smiths" not in as_person(teen).get("/tutor/plan").content.decode()


def test_models_of_a_plan_come_first_and_local_ones_stay(teen: Person, pro: Plan) -> None:
    own = TutorModel.objects.create(
        name="House", base_url="http://127.0.0.1:9/v1", model_name="h", position=50
    )
    pro.tutor_models.add(TutorModel.objects.get(name="Cloud"))
    Plan.objects.get(slug=Plan.FREE).tutor_models.add(own)
    free, other = list_plan_summaries(teen)
    assert next(model.name for model in other.models) == "Cloud"
    assert "Cloud" not in [model.name for model in free.models]


def test_what_a_family_agreed_on_is_said_and_counts_on_every_plan() -> None:
    terms = Terms(memory=MemoryPolicy.NONE, local_only=True, answers_per_day=5)
    agreed = " ".join(list_agreed_limits(terms))
    assert "at most 5 short answers a day" in agreed
    assert "doesn’t remember" in agreed
    assert "on this site’s own computers" in agreed
    assert list_agreed_limits(Terms()) == []


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        (Plan(tokens=500), "About 1 short answer a day"),
        (Plan(tokens=5000, period_length=PeriodLength.WEEK), "About 10 short answers a week"),
        (
            Plan(tokens=5000, microdollars=2_000_000, period_length=PeriodLength.MONTH),
            "About 10 short answers a month; at most $2.00 a month",
        ),
        (Plan(), "No limit"),
    ],
)
def test_an_allowance_in_words(plan: Plan, text: str) -> None:
    summary = PlanSummary(plan, is_own=True, models=())
    assert summary.allowance_text == text
    assert summary.memory_text.startswith("Nothing")


def test_the_composer_leads_to_the_plan(teen: Person, as_person: AsPerson) -> None:
    page = squeeze(as_person(teen).get("/tutor/").content.decode())
    assert '<a href="/tutor/plan">Your plan</a>' in page


def test_the_api_has_the_own_plan(
    teen: Person, as_person: AsPerson, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = as_person(teen)
    client.get("/api/v1/plan")
    with django_assert_num_queries(3):
        body = client.get("/api/v1/plan").json()
    cloud, *local = body.pop("models")
    assert cloud == {"name": "Cloud", "is_local": False, "host": "api.example.com"}
    assert all(model["is_local"] and model["host"] is None for model in local)
    assert body == {
        "name": "Free",
        "short_answers": 40,
        "period": "day",
        "answer_words": 300,
        "memory_words": 750,
    }


def test_a_visitor_has_no_plan(client: Client) -> None:
    require_problem(client.get("/api/v1/plan"), "not-signed-in", 401)
    assert client.get("/tutor/plan").status_code == 302
