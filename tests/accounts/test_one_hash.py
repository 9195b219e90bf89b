"""Timing doesn't reveal which accounts exist: an unknown name costs as many password hashes (ADR 45)."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from accounts.demo import DEMO_PEOPLE
from accounts.models import Person, Role
from mail.models import Email
from pages.checks import check_demo_people
from tests.accounts.conftest import is_signed_in
from tests.conftest import ADULT_BIRTH
from tests.hashing import QuickArgon2

PASSWORD = "a-long-password"
type CountHashes = Callable[[str, dict[str, str]], int]


@pytest.fixture
def count_hashes(monkeypatch: pytest.MonkeyPatch) -> CountHashes:
    """Counts the password hashes of a request."""
    counted: list[str] = []

    def counting(name: str) -> Callable[..., Any]:
        real = getattr(QuickArgon2, name)

        def act(*args: Any, **kwargs: Any) -> Any:
            counted.append(name)
            return real(*args, **kwargs)

        return act

    for name in ("encode", "verify"):
        monkeypatch.setattr(QuickArgon2, name, counting(name))

    def count(path: str, fields: dict[str, str]) -> int:
        client = Client()
        client.get(path)
        counted.clear()
        client.post(path, fields)
        return len(counted)

    return count


@pytest.fixture
def everybody(known: Person, make_person: Callable[..., Person]) -> None:
    """One account of every kind that a login can mean."""
    make_person("teen-of-the-house")
    make_person("may-not-sign-in", is_active=False)
    Person.objects.create_user("without-a-password", None, role=Role.TEEN)
    for name, is_verified in (("confirmed", True), ("unconfirmed", False)):
        person = make_person(f"person-{name}", Role.PARENT, email=f"{name}@example.org")
        EmailAddress.objects.create(user=person, email=person.email, verified=is_verified, primary=True)
    make_person("person-no-row", Role.PARENT, email="no-row@example.org")


@pytest.mark.parametrize("password", [PASSWORD + "-wrong", DEMO_PEOPLE[0].password])
@pytest.mark.parametrize(
    "login",
    [
        "not-a-name-here", "not-here@example.org", "teen-of-the-house", "TEEN-OF-THE-HOUSE", "may-not-sign-in",
        "without-a-password", "kim@example.org", "person-known", "confirmed@example.org",
        "unconfirmed@example.org", "no-row@example.org", "x" * 300,
    ],
    ids=lambda login: login[:24],
)  # fmt: skip
@pytest.mark.usefixtures("everybody")
def test_a_wrong_password_is_hashed_once(login: str, password: str, count_hashes: CountHashes) -> None:
    assert count_hashes("/sign-in", {"username": login, "password": password}) == 1


@pytest.mark.parametrize("login", ["teen-of-the-house", "may-not-sign-in", "kim@example.org"])
@pytest.mark.usefixtures("everybody")
def test_the_right_password_is_hashed_once(login: str, count_hashes: CountHashes) -> None:
    assert count_hashes("/sign-in", {"username": login, "password": PASSWORD}) == 1


@pytest.mark.parametrize("email", ["new@example.org", "kim@example.org", "unconfirmed@example.org"])
@pytest.mark.usefixtures("everybody")
def test_signing_up_hashes_once(email: str, count_hashes: CountHashes) -> None:
    given = {"display_name": "Kim", "email": email, "password1": "four-words-in-a-row", **ADULT_BIRTH}
    before = Person.objects.count()
    assert count_hashes("/sign-up", given) == 1
    assert (Person.objects.count() > before) == (email == "new@example.org")
    assert Email.objects.filter(to=email).exists()


@pytest.mark.parametrize("name", ["kim@example.org", "nobody@example.org"])
@pytest.mark.usefixtures("everybody")
def test_asking_for_a_new_password_hashes_nothing(name: str, count_hashes: CountHashes) -> None:
    assert count_hashes("/account/password/reset/", {"email": name}) == 0
    assert Email.objects.filter(to=name).exists()


@pytest.mark.parametrize("name", ["teen-of-the-house", "not-a-name-here"])
@pytest.mark.usefixtures("everybody")
def test_asking_a_parent_for_help_hashes_nothing(name: str, count_hashes: CountHashes) -> None:
    assert count_hashes("/family/password", {"username": name}) == 0


class TestADemoThatWasRestored:
    """A demo's database restored in production. Every demo's sign-in page shows these passwords."""

    @pytest.fixture
    def restored(self, db: None, settings: Settings) -> None:
        call_command("load_demo")
        settings.DEMO = False

    @pytest.mark.parametrize("demo", DEMO_PEOPLE, ids=lambda demo: demo.username)
    @pytest.mark.usefixtures("restored")
    def test_does_not_let_demo_people_in(self, demo: Any) -> None:
        client = Client()
        reply = client.post("/sign-in", {"username": demo.username, "password": demo.password})
        assert reply.status_code == 200
        assert not is_signed_in(client)

    @pytest.mark.usefixtures("restored")
    def test_does_not_let_them_in_after_a_rename(self) -> None:
        Person.objects.filter(username="admin").update(username="ana")
        client = Client()
        client.post("/sign-in", {"username": "ana", "password": "keys-to-the-kitchen"})
        assert not is_signed_in(client)

    @pytest.mark.usefixtures("restored")
    def test_lets_them_in_with_a_new_password(self) -> None:
        person = Person.objects.get(username="teen")
        person.set_password(PASSWORD)
        person.save()
        client = Client()
        client.post("/sign-in", {"username": "teen", "password": PASSWORD})
        assert is_signed_in(client)

    @pytest.mark.usefixtures("restored")
    def test_is_named_by_the_deploy_check(self) -> None:
        Person.objects.filter(username="admin").update(username="ana")
        messages = run_checks(include_deployment_checks=True, databases=["default"])
        [error] = [message for message in messages if message.id == "kitchen.E002"]
        assert "ana, parent, teen" in str(error.msg)
        for person in Person.objects.all():
            person.set_password(PASSWORD)
            person.save()
        assert check_demo_people(databases=["default"]) == []

    @pytest.mark.usefixtures("restored")
    def test_is_not_looked_for_without_a_database(self) -> None:
        assert check_demo_people(databases=None) == []

    @pytest.mark.usefixtures("restored")
    def test_refuses_a_demo_password_for_a_new_account(self) -> None:
        given = {"display_name": "Kim", "email": "kim@example.org", "password1": "lamp-and-two-cups"}
        page = Client().post("/sign-up", given).content.decode()
        assert "This password is published with this site’s demo" in page
        assert not Person.objects.filter(email="kim@example.org").exists()

    def test_demo_mode_is_not_affected(self, db: None) -> None:
        call_command("load_demo")
        assert check_demo_people(databases=["default"]) == []
