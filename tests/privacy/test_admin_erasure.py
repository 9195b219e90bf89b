"""Deleting a person in the admin erases them, and an erased person stays erased after a restore."""

import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import Person, Role
from mail.models import Email
from privacy import services
from privacy.models import ErasedPerson
from tests.privacy.test_erasure import tables_containing

pytestmark = pytest.mark.django_db
LIST = "/admin/accounts/person/"


@pytest.fixture
def admin_client(admin_person: Person, as_person: Callable[[Person], Client]) -> Client:
    return as_person(admin_person)


def delete_selected(admin_client: Client, *people: Person) -> int:
    form = {
        "action": "delete_selected",
        "_selected_action": [str(person.pk) for person in people],
        "post": "yes",
    }
    return admin_client.post(LIST, form).status_code


class TestDeleting:
    def test_one_person_erases_all_their_data(self, full: Person, admin_client: Client) -> None:
        assert admin_client.get(f"{LIST}{full.pk}/delete/").status_code == 200
        assert admin_client.post(f"{LIST}{full.pk}/delete/", {"post": "yes"}).status_code == 302
        for words in (full.username, full.display_name, full.email, "Wilhelmina", "walnut"):
            assert tables_containing(words) == []
        assert not Email.objects.filter(to__iexact=full.email).exists()

    def test_several_at_once_erases_all_their_data(
        self, full: Person, admin_client: Client, make_person: Callable[..., Person]
    ) -> None:
        kim = make_person("kimberly", Role.PARENT)
        assert delete_selected(admin_client, full, kim) == 302
        assert not Person.objects.filter(pk__in=[full.pk, kim.pk]).exists()
        for words in (full.username, full.email, "Wilhelmina", "kimberly"):
            assert tables_containing(words) == []

    def test_the_confirmation_names_the_person_but_none_of_their_rows(
        self, full: Person, admin_client: Client
    ) -> None:
        page = admin_client.get(f"{LIST}{full.pk}/delete/").content.decode()
        assert full.display_name in page
        assert full.email not in page

    @pytest.mark.parametrize("ways", ["page", "action"])
    def test_admins_cannot_delete_themselves_or_the_last_admin(
        self,
        ways: str,
        admin_person: Person,
        as_person: Callable[[Person], Client],
        make_person: Callable[..., Person],
    ) -> None:
        clerk = make_person("clerk", Role.ADMIN, is_staff=True)
        clerk.user_permissions.set(ContentType.objects.get_for_model(Person).permission_set.all())
        for who in (admin_person, clerk):
            client = as_person(who)
            if ways == "page":
                client.post(f"{LIST}{admin_person.pk}/delete/", {"post": "yes"})
            else:
                delete_selected(client, admin_person)
            assert Person.objects.filter(pk=admin_person.pk).exists()
        assert not LogEntry.objects.filter(action_flag=DELETION).exists()

    def test_the_last_admin_keeps_their_rights(self, admin_person: Person, admin_client: Client) -> None:
        path = f"{LIST}{admin_person.pk}/change/"
        page = admin_client.get(path).content.decode()
        fields = re.findall(r'<input type="hidden" name="(initial-\w+)" value="([^"]*)"', page)
        form = dict(fields) | {
            "username": "ana",
            "role": "admin",
            "time_zone": "Europe/Madrid",
        }
        reply = admin_client.post(path, form)
        assert "This is the last admin with full access" in reply.content.decode()
        admin_person.refresh_from_db()
        assert admin_person.is_active
        admin_client.post(path, form | {"is_active": "on"})
        admin_person.refresh_from_db()
        assert admin_person.time_zone == "Europe/Madrid"


def log_deleted(admin: Person, title: str) -> None:
    LogEntry.objects.create(
        user=admin,
        content_type=ContentType.objects.get_for_model(Person),
        object_id="1",
        object_repr=title,
        action_flag=DELETION,
    )


def test_erasing_a_name_keeps_longer_names_in_the_admin_log(
    admin_person: Person, make_person: Callable[..., Person]
) -> None:
    others = ["Anna", "Ferdinand", "Susanna", "An_", "x.An1", "Ántonia"]
    theirs = ["An", "An, at the event", "place of an", "(An)", "“An”", "An’s place"]
    for title in others + theirs:
        log_deleted(admin_person, title)
    services.erase_person(person=make_person("an.b+1", Role.PARENT, display_name="An"))
    kept = set(LogEntry.objects.exclude(object_repr="").values_list("object_repr", flat=True))
    assert kept == set(others)


@pytest.mark.parametrize("name", ["J. (Jo) [x]* \\d", "50% ^$|", "Zoë", "李"])
def test_a_name_in_any_script_is_redacted(
    name: str, admin_person: Person, make_person: Callable[..., Person]
) -> None:
    log_deleted(admin_person, f"{name} at an event")
    services.erase_person(person=make_person("kim", Role.PARENT, display_name=name))
    assert not LogEntry.objects.exclude(object_repr="").exists()


class TestARestoredBackup:
    @pytest.fixture
    def restored(self, make_person: Callable[..., Person]) -> Person:
        """An erased person who is back from a backup, with the list of erased accounts."""
        kim = make_person("kim", Role.PARENT)
        as_it_was = Person.objects.get(pk=kim.pk)
        services.erase_person(person=kim)
        as_it_was.save(force_insert=True)
        return as_it_was

    def list_erased(self) -> str:
        out = StringIO()
        call_command("list_erased", stdout=out)
        ErasedPerson.objects.all().delete()
        return out.getvalue()

    def test_can_be_erased_again(self, restored: Person, tmp_path: Path) -> None:
        keys = tmp_path / "erased.txt"
        keys.write_text(self.list_erased() + "\n999 2026-01-01T00:00:00+00:00\n")
        for count in (1, 0):
            out = StringIO()
            call_command("erase_again", str(keys), stdout=out)
            assert out.getvalue() == f"{count} account(s) erased.\n"
        assert not Person.objects.filter(pk=restored.pk).exists()
        assert ErasedPerson.objects.get().person_key == restored.pk

    def test_keeps_a_new_person_with_the_key_of_an_erased_one(self, restored: Person, tmp_path: Path) -> None:
        keys = tmp_path / "erased.txt"
        keys.write_text(self.list_erased())
        Person.objects.filter(pk=restored.pk).update(joined_at="2026-11-29T10:00:00Z")
        call_command("erase_again", str(keys), stdout=StringIO())
        assert Person.objects.filter(pk=restored.pk).exists()

    def test_is_unchanged_by_an_invalid_file(self, restored: Person, tmp_path: Path) -> None:
        keys = tmp_path / "erased.txt"
        keys.write_text(f"{self.list_erased()}username,email\n")
        with pytest.raises(CommandError, match="Line 2"):
            call_command("erase_again", str(keys))
        assert Person.objects.filter(pk=restored.pk).exists()

    def test_keeps_its_last_admin(self, make_person: Callable[..., Person], tmp_path: Path) -> None:
        boss = make_person("boss", Role.ADMIN, is_superuser=True)
        keys = tmp_path / "erased.txt"
        keys.write_text(f"{boss.pk} {boss.joined_at.isoformat()}\n")
        with pytest.raises(CommandError, match="last admin"):
            call_command("erase_again", str(keys))
        assert Person.objects.filter(pk=boss.pk).exists()
