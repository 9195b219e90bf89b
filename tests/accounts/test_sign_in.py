from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.demo import DEMO_PEOPLE
from accounts.models import Person

SIGN_IN = "/sign-in"


def sign_in(client: Client, username: str, password: str, **extra: str) -> int:
    reply = client.post(SIGN_IN, {"username": username, "password": password, **extra})
    return reply.status_code


def test_the_right_password_signs_in(client: Client, teen: Person) -> None:
    assert sign_in(client, "noor", "a-long-password") == 302
    assert client.get(reverse("chat:start")).status_code == 200


def test_a_wrong_password_does_not_sign_in_and_the_name_is_kept(client: Client, teen: Person) -> None:
    reply = client.post(SIGN_IN, {"username": "noor", "password": "wrong"})
    assert reply.status_code == 200
    assert 'value="noor"' in reply.content.decode()
    assert "_auth_user_id" not in client.session


def test_a_deactivated_person_cannot_sign_in(client: Client, teen: Person) -> None:
    Person.objects.update(is_active=False)
    assert sign_in(client, "noor", "a-long-password") == 200


def test_sign_in_does_not_redirect_to_another_site(client: Client, teen: Person) -> None:
    reply = client.post(
        SIGN_IN, {"username": "noor", "password": "a-long-password", "next": "https://example.com/"}
    )
    assert reply.headers["Location"] == "/"


def test_attempts_are_counted_while_valkey_is_down(
    client: Client, teen: Person, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kit import rate_limits

    settings.VALKEY_URL = "redis://127.0.0.1:9/0"
    rate_limits._shared_counters.cache_clear()
    try:
        codes = [sign_in(client, "nobody-at-all", f"guess-{number}") for number in range(12)]
    finally:
        rate_limits._shared_counters.cache_clear()
    assert codes[0] == 200
    assert codes[-1] == 429


def test_signing_out_needs_a_form(client: Client, teen: Person) -> None:
    client.force_login(teen)
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out").status_code == 302
    assert "_auth_user_id" not in client.session


class TestDemo:
    def test_demo_people_are_created_once_and_restored(
        self, db: None, capsys: pytest.CaptureFixture[str]
    ) -> None:
        call_command("load_demo")
        Person.objects.filter(username="teen").update(display_name="Changed")
        call_command("load_demo")
        assert Person.objects.count() == len(DEMO_PEOPLE)
        assert Person.objects.get(username="teen").display_name == "Noor"
        lines = capsys.readouterr().out.splitlines()
        assert [line.split("\t")[0] for line in lines[:3]] == ["teen", "parent", "admin"]

    def test_they_can_sign_in(self, db: None, client: Client) -> None:
        call_command("load_demo")
        for person in DEMO_PEOPLE:
            assert sign_in(client, person.username, person.password) == 302
            client.post("/sign-out")

    def test_the_sign_in_page_shows_them_only_in_demo_mode(
        self, db: None, client: Client, settings: Settings
    ) -> None:
        assert "lamp-and-two-cups" in client.get(SIGN_IN).content.decode()
        settings.DEMO = False
        assert "lamp-and-two-cups" not in client.get(SIGN_IN).content.decode()

    def test_they_are_never_created_outside_demo_mode(self, db: None, settings: Settings) -> None:
        from django.core.exceptions import ImproperlyConfigured

        settings.DEMO = False
        with pytest.raises(ImproperlyConfigured):
            call_command("load_demo")


def test_admins_reach_the_admin_pages_and_others_do_not(
    as_person: Callable[[Person], Client], admin_person: Person, parent: Person, teen: Person
) -> None:
    assert as_person(admin_person).get("/admin/accounts/person/").status_code == 200
    assert as_person(admin_person).get("/admin/accounts/person/add/").status_code == 200
    assert as_person(admin_person).get(f"/admin/accounts/person/{teen.pk}/change/").status_code == 200
    for person in (parent, teen):
        assert as_person(person).get("/admin/accounts/person/").status_code == 302


@pytest.mark.parametrize("name", ["America/Los_Angeles", "Europe/Dublin"])
def test_a_person_has_a_time_zone(name: str, teen: Person) -> None:
    teen.time_zone = name
    teen.full_clean()


def test_an_unknown_time_zone_is_refused(teen: Person) -> None:
    from django.core.exceptions import ValidationError

    teen.time_zone = "Mars/Olympus"
    with pytest.raises(ValidationError):
        teen.full_clean()
