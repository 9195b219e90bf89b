"""An adult creates an account with an email address. The outbox has the real emails."""

from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from accounts.models import Person, Role
from mail.models import Email
from tests.accounts.conftest import is_signed_in

GIVEN = {
    "display_name": "Kim",
    "email": "kim@example.org",
    "password1": "three-words-in-a-row",
    "month": "1",
    "year": "1980",
}


def sign_up(client: Client, **changed: str) -> int:
    return client.post("/sign-up", GIVEN | changed).status_code


@pytest.mark.django_db
class TestANewPerson:
    def test_is_signed_in_by_the_emailed_link(self, client: Client, link_in: Callable[[Email], str]) -> None:
        reply = client.post("/sign-up", GIVEN)
        assert reply.headers["Location"] == "/account/confirm-email/"
        assert not is_signed_in(client)
        page = link_in(Email.objects.get(to="kim@example.org"))
        assert "kim@example.org" in client.get(page).content.decode()
        assert client.post(page).headers["Location"] == "/family/"
        assert is_signed_in(client)
        assert "Kim" in client.get("/account/").content.decode()

    def test_is_a_parent_with_a_generated_hidden_username(
        self, client: Client, link_in: Callable[[Email], str]
    ) -> None:
        sign_up(client)
        person = Person.objects.get()
        assert person.role == Role.PARENT
        assert person.username.startswith("person-")
        assert "kim" not in person.username
        client.post(link_in(Email.objects.get()))
        for path in ("/", "/account/", "/account/email/", "/account/second-step/"):
            assert person.username not in client.get(path).content.decode()
        assert all(person.username not in mail.text for mail in Email.objects.all())

    def test_signs_in_by_the_address_once_it_is_confirmed(
        self, client: Client, link_in: Callable[[Email], str]
    ) -> None:
        sign_up(client)
        given = {"username": "Kim@example.org", "password": GIVEN["password1"]}
        unconfirmed = Client()
        assert unconfirmed.post("/sign-in", given).headers["Location"] == "/account/confirm-email/"
        assert not is_signed_in(unconfirmed)
        Client().post(link_in(Email.objects.get()))
        fresh = Client()
        assert fresh.post("/sign-in", given).headers["Location"] == "/"
        assert is_signed_in(fresh)

    def test_a_link_opened_in_another_browser_confirms_without_signing_in(
        self, client: Client, link_in: Callable[[Email], str]
    ) -> None:
        sign_up(client)
        elsewhere = Client()
        elsewhere.post(link_in(Email.objects.get()))
        assert EmailAddress.objects.get().verified
        assert not is_signed_in(elsewhere)

    def test_a_forged_link_confirms_nothing(self, client: Client) -> None:
        sign_up(client)
        assert "expired" in client.get("/account/confirm-email/made-up:1:2/").content.decode()
        assert client.post("/account/confirm-email/made-up:1:2/").status_code == 404
        assert not EmailAddress.objects.get().verified


def test_sign_up_does_not_reveal_who_has_an_account(client: Client, known: Person) -> None:
    new, old = Client(), Client()
    fresh = new.post("/sign-up", GIVEN | {"email": "new@example.org"})
    taken = old.post("/sign-up", GIVEN)
    assert (fresh.status_code, fresh.headers["Location"]) == (taken.status_code, taken.headers["Location"])
    assert new.get("/account/confirm-email/").content == old.get("/account/confirm-email/").content
    email = Email.objects.get(to="kim@example.org")
    assert "You already have one" in email.text
    assert Person.objects.filter(email="kim@example.org").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", ""),
        ("email", "not an address"),
        ("email", "kim@example.org\r\nBcc: all@example.org"),
        ("email", "kim@example.org\0"),
        ("display_name", ""),
        ("display_name", "K" * 61),
        ("display_name", "Kim\nwho"),
        ("display_name", "Kim\u202emik"),
        ("password1", ""),
        ("password1", "short"),
        ("password1", "password123"),
        ("password1", "1234567890"),
    ],
)
def test_invalid_values_are_refused_and_no_account_is_created(field: str, value: str, client: Client) -> None:
    reply = client.post("/sign-up", GIVEN | {field: value})
    assert reply.status_code == 200
    assert "error-summary" in reply.content.decode()
    assert not Person.objects.exists()
    assert not Email.objects.exists()


@pytest.mark.django_db
def test_sign_up_cannot_set_a_higher_role(client: Client) -> None:
    sign_up(client, role="admin", is_staff="on", is_superuser="on", username="admin")
    person = Person.objects.get()
    assert (person.role, person.is_staff, person.is_superuser) == (Role.PARENT, False, False)
    assert person.username != "admin"


@pytest.mark.django_db
def test_a_display_name_is_escaped(client: Client) -> None:
    sign_up(client, display_name="<script>alert(1)</script>")
    client.force_login(Person.objects.get())
    page = client.get("/account/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_a_teen_signs_in_without_any_address(client: Client, teen: Person) -> None:
    client.post("/sign-in", {"username": "NOOR", "password": "a-long-password"})
    assert is_signed_in(client)
    assert client.get("/account/email/").status_code == 404
    assert "/account/email/" not in client.get("/account/").content.decode()


def test_a_parent_can_sign_in_by_username_or_email(known: Person) -> None:
    for name in ("person-known", "kim@example.org", " kim@example.org "):
        client = Client()
        client.post("/sign-in", {"username": name, "password": "a-long-password"})
        assert is_signed_in(client), name


@pytest.mark.parametrize(
    "name", ["kim@example.org", "nobody@example.org", "person-known", "nobody", "\0", "é" * 300]
)
def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(
    name: str, client: Client, known: Person
) -> None:
    reply = client.post("/sign-in", {"username": name, "password": "wrong"})
    assert reply.status_code == 200
    assert not is_signed_in(client)
