"""The frame of the desk: who may open a page, what the menu shows, and whose clock it is on."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Person, Role
from budgets.models import Audit
from desk.navigation import PAGES, DeskPage, list_breadcrumbs, list_menu


@pytest.fixture
def staff(make_person: Callable[..., Person]) -> Person:
    """A member of staff without any permission."""
    return make_person("rosa", Role.ADMIN, is_staff=True)


class TestTheMenu:
    def test_has_every_page_for_an_admin_with_full_access(self, admin_person: Person) -> None:
        shown = [page for _section, pages in list_menu(admin_person) for page in pages]
        assert set(shown) == {page for page in PAGES if not page.parent}

    def test_has_only_the_pages_that_a_person_may_open(self, staff: Person) -> None:
        shown = {page.route for _section, pages in list_menu(staff) for page in pages}
        assert shown == {"desk:health"}

    def test_is_on_the_pages_of_the_admin_too(
        self, as_person: Callable[[Person], Client], admin_person: Person
    ) -> None:
        page = as_person(admin_person).get("/admin/budgets/plan/").content.decode()
        assert 'href="/admin/desk/health"' in page

    def test_leads_from_a_page_back_to_those_above_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lower = DeskPage(route="desk:lower", title="Lower", parent="desk:health")
        assert list_breadcrumbs(lower) == [{"title": "Health of every part", "url": "/admin/desk/health"}]


class TestAPage:
    def test_sends_visitors_to_the_sign_in_page(self, client: Client, db: None) -> None:
        reply = client.get("/admin/desk/health")
        assert reply.headers["Location"] == "/admin/login/?next=/admin/desk/health"

    def test_needs_a_second_step_for_signing_in(
        self, as_person: Callable[[Person], Client], admin_person: Person, settings: object
    ) -> None:
        settings.DEMO = False  # type: ignore[attr-defined]
        reply = as_person(admin_person).get("/admin/desk/health")
        assert reply.headers["Location"] == "/account/second-step/"


class TestTimes:
    def test_are_in_the_zone_of_the_person_who_reads_them(
        self, as_person: Callable[[Person], Client], admin_person: Person
    ) -> None:
        Audit.objects.create(at=datetime(2026, 11, 30, 2, 20, tzinfo=UTC), entries=1, differences=0)
        Person.objects.update(time_zone="America/Los_Angeles")
        page = as_person(admin_person).get("/admin/budgets/audit/").content.decode()
        assert "Nov. 29, 2026, 6:20 p.m." in page

    def test_are_in_the_servers_zone_again_for_the_next_request(
        self, as_person: Callable[[Person], Client], admin_person: Person
    ) -> None:
        as_person(admin_person).get("/admin/")
        assert timezone.get_current_timezone_name() == "UTC"
