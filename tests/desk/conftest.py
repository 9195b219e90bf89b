"""Staff with some permissions, and pages of the desk as they see them."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import Person, Role

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
