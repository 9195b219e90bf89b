"""Which role opens which page of the admin and the desk. Every page has a row; what is not listed is closed."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from pytest_django import DjangoDbBlocker

from accounts.models import Person, Role
from desk.navigation import PAGES, DeskPage
from desk.roles import StaffRole, write_role_groups
from desk.team import change_roles
from tests.emptying import empty_tables
from tests.matrix.test_matrix import IN_THE_ADMIN, admin_page

pytestmark = [pytest.mark.matrix, pytest.mark.django_db]

HOST, KEEPER, SAFE, CONTENT, OWNER = StaffRole
# The lists in the admin that a role opens, besides the owner's, who opens all.
LISTS: dict[StaffRole, set[str]] = {
    HOST: {"events.event", "events.signup"},
    KEEPER: {
        "budgets.audit", "budgets.budget", "budgets.budgetalert", "budgets.budgetchange", "budgets.budgetowner",
        "budgets.grant", "budgets.hold", "budgets.ledgerentry", "budgets.overrun",
        "budgets.period", "budgets.plan", "chat.modeloutage", "chat.turnroute", "routing.tutormodel",
    },
    SAFE: {
        "chat.report", "chat.reportcount", "safeguarding.humanreview", "safeguarding.oncallshift",
        "safeguarding.weeklycount",
    },
    CONTENT: {"courses.module"},
}  # fmt: skip
# The forms for a new row that a role opens.
ADD_FORMS: dict[StaffRole, set[str]] = {
    HOST: {"events.event"},
    # A grant begins with the person who gets it.
    KEEPER: {"budgets.plan"},
    SAFE: set(),
    CONTENT: set(),
}
# The pages in the desk's menu.
MENU: dict[StaffRole, set[str]] = {
    HOST: {"admin:events_event_changelist", "admin:events_event_add", "desk:health"},
    KEEPER: {
        "admin:budgets_budget_changelist",
        "admin:budgets_budget_near_edge",
        "admin:budgets_budget_site",
        "admin:budgets_budget_stop",
        "admin:budgets_budgetchange_changelist",
        "admin:budgets_budgetowner_changelist",
        "admin:budgets_grant_file",
        "admin:budgets_plan_changelist",
        "admin:routing_tutormodel_changelist",
        "desk:costs",
        "desk:forecast",
        "desk:health",
    },
    SAFE: {"review:queue", "desk:health"},
    CONTENT: {"admin:courses_module_changelist", "desk:health"},
}


@pytest.fixture(scope="module")
def _clients_for_a_file(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[dict[StaffRole, Client]]:
    with django_db_blocker.unblock():
        write_role_groups()
        owner = Person.objects.create(username="ana", role=Role.ADMIN, is_staff=True, is_superuser=True)
        clients = {}
        for role in StaffRole:
            person = Person.objects.create(username=role.value, role=Role.PARENT)
            clients[role] = Client()
            clients[role].force_login(change_roles(person=person, roles=[role], by=owner))
        yield clients
        empty_tables()


@pytest.fixture
def clients(db: None, _clients_for_a_file: dict[StaffRole, Client]) -> dict[StaffRole, Client]:
    return _clients_for_a_file


def get_label(model: type[Model]) -> str:
    return f"{model._meta.app_label}.{model._meta.model_name}"


@pytest.mark.parametrize("model", IN_THE_ADMIN, ids=str)
def test_which_role_opens_a_list_of_the_admin(model: type[Model], clients: dict[StaffRole, Client]) -> None:
    found = {
        role
        for role, client in clients.items()
        if client.get(admin_page(model, "changelist")).status_code == 200
    }
    assert found == {role for role, labels in LISTS.items() if get_label(model) in labels} | {OWNER}


@pytest.mark.parametrize("model", IN_THE_ADMIN, ids=str)
def test_which_role_adds_rows_in_the_admin(model: type[Model], clients: dict[StaffRole, Client]) -> None:
    found = {
        role for role, client in clients.items() if client.get(admin_page(model, "add")).status_code == 200
    }
    assert found - {OWNER} == {role for role, labels in ADD_FORMS.items() if get_label(model) in labels}


@pytest.mark.parametrize("page", [page for page in PAGES if not page.parent], ids=lambda page: page.route)
def test_which_role_opens_a_page_of_the_menu(page: DeskPage, clients: dict[StaffRole, Client]) -> None:
    opened = {
        role for role, client in clients.items() if client.get(page.url, follow=True).status_code == 200
    }
    shown = {
        role
        for role, client in clients.items()
        if f'href="{page.url}"' in client.get("/admin/").content.decode()
    }
    expected = {role for role, routes in MENU.items() if page.route in routes} | {OWNER}
    assert opened == shown == expected


def test_every_role_opens_the_desk(clients: dict[StaffRole, Client]) -> None:
    assert {client.get("/admin/").status_code for client in clients.values()} == {200}


def test_every_row_is_about_a_page_that_exists() -> None:
    labels = {get_label(model) for model in admin.site._registry}
    assert set().union(*LISTS.values(), *ADD_FORMS.values()) <= labels
    assert set().union(*MENU.values()) <= {page.route for page in PAGES}
