"""The roles of staff are groups with what `desk.roles` lists, and nothing else."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from accounts.models import Person
from desk.roles import ROLE_PERMISSIONS, StaffRole, write_role_groups
from desk.team import change_roles

pytestmark = pytest.mark.django_db


def list_permissions(person: Person) -> set[str]:
    return set(Person.objects.get(pk=person.pk).get_all_permissions())


def test_each_group_has_its_permissions_after_a_migration() -> None:
    group = Group.objects.get(name="content")
    group.permissions.set(Permission.objects.filter(codename__in=["delete_person", "view_email"]))
    call_command("migrate", verbosity=0)
    found = {f"{one.content_type.app_label}.{one.codename}" for one in group.permissions.all()}
    assert found == set(ROLE_PERMISSIONS[StaffRole.CONTENT])


def test_an_unknown_permission_stops_the_migration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ROLE_PERMISSIONS, StaffRole.CONTENT, ("courses.view_nothing",))
    with pytest.raises(Permission.DoesNotExist, match=r"courses\.view_nothing"):
        write_role_groups()


@pytest.mark.parametrize("role", ROLE_PERMISSIONS)
def test_a_role_gives_its_permissions_alone(role: StaffRole, parent: Person, admin_person: Person) -> None:
    change_roles(person=parent, roles=[role], by=admin_person)
    assert list_permissions(parent) == set(ROLE_PERMISSIONS[role])


@pytest.mark.parametrize(("role", "names"), ROLE_PERMISSIONS.items())
def test_no_role_but_the_owners_reaches_people_or_roles(role: StaffRole, names: tuple[str, ...]) -> None:
    apps = {name.partition(".")[0] for name in names}
    assert apps.isdisjoint({"accounts", "auth", "desk", "account", "mfa", "privacy", "families", "mail"}), (
        role
    )


def test_only_safeguarding_may_read_what_people_wrote() -> None:
    """Incidents and shared reports have words of teens."""
    words = {"safeguarding.review_incident", "chat.view_report", "chat.change_report"}
    readers = {role for role, names in ROLE_PERMISSIONS.items() if words & set(names)}
    assert readers == {StaffRole.SAFEGUARDING}
