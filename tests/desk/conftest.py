"""Staff with some permissions, and pages of the desk as they see them."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import Person, Role
from desk import health
from pages.health import check_services

MakeStaff = Callable[..., Person]
AsPerson = Callable[[Person], Client]


@pytest.fixture
def make_staff(make_person: Callable[..., Person]) -> MakeStaff:
    """Create a member of staff with these permissions, as in "budgets.view_budget"."""

    def make(*permissions: str, username: str = "rosa") -> Person:
        person = make_person(username, Role.ADMIN, is_staff=True)
        for name in permissions:
            app, codename = name.split(".")
            person.user_permissions.add(
                Permission.objects.get(content_type__app_label=app, codename=codename)
            )
        return person

    return make


@pytest.fixture
def without_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker answers. Another test of this process may have started one; the other parts are asked for real."""

    async def check_all_but_the_worker() -> dict[str, str]:
        return await check_services() | {"worker": "no answer"}

    monkeypatch.setattr(health, "check_services", check_all_but_the_worker)
