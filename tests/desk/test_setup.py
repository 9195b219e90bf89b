"""The first run: one list of checks, which the guide, `manage.py doctor` and the tutor itself follow."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Person
from budgets.allowances import get_site_budget, load_plans, set_allowance
from budgets.models import Plan
from budgets.selectors import clear_plans_cache
from desk import setup
from desk.roles import StaffRole
from desk.setup import CHECKS, SetupResult, check_setup
from desk.team import invite_to_team
from events.models import Event
from routing.models import TutorModel
from routing.registry import clear_models_cache
from safeguarding import readiness
from safeguarding.review import is_tutor_open
from tests.desk.conftest import AsPerson
from tests.markup import squeezed

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(settings: Any, admin_person: Person) -> Iterator[Any]:
    """A site outside demo mode with everything that is required, and its settings."""
    load_plans()
    clear_plans_cache()
    settings.DEMO = False
    settings.ORGANIZATION = "Harbor House"
    settings.DEFAULT_FROM_EMAIL = "Harbor House <hello@harbor.example>"
    settings.CRISIS_TEXTS_REVIEW = "Dr A. Name, 2026-11-22"
    readiness.clear_protocol_check_cache()
    yield settings
    readiness.clear_protocol_check_cache()


def find_result(name: str) -> SetupResult:
    [result] = [result for result in check_setup() if result.check.name == name]
    return result


def list_open_steps() -> set[str]:
    return {result.check.name for result in check_setup() if not result.is_done}


class TestTheTutor:
    def test_opens_once_everything_required_is_set_up(self, site: Any) -> None:
        assert not [result for result in check_setup() if result.keeps_closed]
        assert is_tutor_open()

    @pytest.mark.parametrize(
        ("name", "setting", "value"),
        [
            ("organization", "ORGANIZATION", " "),
            ("organization", "DEFAULT_FROM_EMAIL", "Kitchen Table <hello@localhost>"),
            ("organization", "DEFAULT_FROM_EMAIL", "hello@harbor.example"),
            ("review", "CRISIS_TEXTS_REVIEW", ""),
        ],
    )
    def test_stays_closed_without_a_setting(self, name: str, setting: str, value: str, site: Any) -> None:
        setattr(site, setting, value)
        assert find_result(name).keeps_closed
        assert not is_tutor_open()

    def test_stays_closed_without_a_plan(self, site: Any) -> None:
        Plan.objects.all().delete()
        assert find_result("plan").problem == "There is no plan yet for people who sign up."
        assert not is_tutor_open()

    def test_stays_closed_without_a_model(self, site: Any) -> None:
        TutorModel.objects.update(is_enabled=False)
        clear_models_cache()
        assert find_result("model").keeps_closed
        assert not is_tutor_open()

    def test_stays_closed_without_its_protocol(self, site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(readiness, "PAGES", ("/help/protocol", "/help/gone"))
        assert find_result("protocol").problem.startswith("/help/gone has no page.")
        assert not is_tutor_open()

    def test_opens_in_a_demo_without_an_organization(self, settings: Any) -> None:
        settings.ORGANIZATION = ""
        assert find_result("organization").problem
        assert is_tutor_open()


class TestSteps:
    def test_that_are_recommended_keep_nothing_closed(self, site: Any) -> None:
        assert list_open_steps() == {"second-step", "trial", "event", "colleague"}
        assert is_tutor_open()

    def test_are_done_one_by_one(
        self, site: Any, admin_person: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("mail.nudge.send", lambda _mail_id: None)
        Authenticator.objects.create(user=admin_person, type=Authenticator.Type.TOTP, data={"secret": "x"})
        assert find_result("second-step").is_done
        invite_to_team(email="a@example.org", roles=[StaffRole.OWNER], language="en", by=admin_person)
        assert find_result("colleague").is_done
        Event.objects.create(
            slug="evening", title="An evening", summary="One.", starts_at=timezone.now() + timedelta(days=9),
            time_zone="UTC", minutes=60, is_published=True,
        )  # fmt: skip
        assert list_open_steps() == {"trial"}

    def test_ask_for_a_limit_where_a_model_costs_money(
        self, site: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outside = TutorModel(name="Outside", base_url="https://api.example.com/v1", model_name="m")
        monkeypatch.setattr(setup, "list_models", lambda: [outside])
        assert find_result("limit").problem == "A model costs money, and the site has no limit in dollars."
        set_allowance(budget=get_site_budget(), tokens=None, microdollars=200_000_000)
        assert find_result("limit").is_done

    def test_that_cannot_be_checked_count_as_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail() -> None:
            raise RuntimeError

        monkeypatch.setattr(setup, "find_next_event", fail)
        assert find_result("event").problem == "This can’t be checked: RuntimeError."


class TestTheGuide:
    def test_shows_each_step_with_what_is_missing_and_its_fix(
        self, as_person: AsPerson, admin_person: Person
    ) -> None:
        page = squeezed(as_person(admin_person).get("/admin/desk/first-run").content.decode())
        for check in CHECKS:
            assert f"<h2>{check.title}</h2>" in page
        assert "The site doesn’t know the name of your organization." in page
        assert "Set ORGANIZATION to your name" in page
        assert page.count('aria-current="step"') == 1

    def test_needs_few_queries(self, as_person: AsPerson, admin_person: Person) -> None:
        client: Client = as_person(admin_person)
        client.get("/admin/desk/first-run")
        with CaptureQueriesContext(connection) as queries:
            client.get("/admin/desk/first-run")
        assert len(queries) <= 12, [query["sql"][:150] for query in queries]


def run_doctor() -> str:
    told = StringIO()
    call_command("doctor", stdout=told)
    return told.getvalue()


class TestTheDoctor:
    @pytest.mark.usefixtures("without_worker")
    def test_says_what_the_guide_says(self, site: Any) -> None:
        told = run_doctor()
        assert "✓ A plan: People who sign up get the plan Free." in told
        assert "! A first event: No event is coming up.\n      Add an event and publish it." in told
        assert "✗ Worker: It gave no answer." in told
        assert told.endswith("The tutor is open.\n")

    def test_fails_where_the_tutor_cannot_open(self, site: Any) -> None:
        site.CRISIS_TEXTS_REVIEW = ""
        with pytest.raises(
            CommandError, match=r"The tutor is closed\. Missing: A review of the crisis texts\."
        ):
            run_doctor()


def test_the_site_says_who_runs_it(client: Client, site: Any, make_person: Callable[..., Person]) -> None:
    site.SECURE_SSL_REDIRECT = False
    assert "This site is run by Harbor House." in client.get("/about").content.decode()
