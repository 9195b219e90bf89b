"""A teen creates an account: first the birth month, in the same words as for everyone, and no email address."""

import re
from datetime import date
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from accounts.age import TooYoung
from accounts.age_screen import BORN_KEY, TOO_YOUNG_KEY
from accounts.models import Person, Role
from accounts.services import create_teen
from tests.accounts.conftest import is_signed_in

PAGE = "/sign-up/teen"
GIVEN = {"username": "lou", "display_name": "Lou", "password": "three-words-in-a-row"}


def born(years_ago: int) -> dict[str, str]:
    today = timezone.localdate()
    return {"month": str(today.month), "year": str(today.year - years_ago)}


@pytest.mark.django_db
class TestTheAgePage:
    def test_does_not_hint_at_an_answer(self, client: Client) -> None:
        page = client.get(PAGE).content.decode()
        main = page.split("<main")[1].split("</main>")[0]
        assert "13" not in re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", main)
        assert 'name="year"' in page
        assert 'value="20' not in page
        assert "selected>Choose" in page.replace('selected="selected"', "selected")

    def test_lets_a_teen_continue(self, client: Client) -> None:
        page = client.post(PAGE, born(15)).content.decode()
        assert 'name="username"' in page

    def test_sends_adults_to_their_page(self, client: Client) -> None:
        assert client.post(PAGE, born(18)).headers["Location"] == "/sign-up"
        assert not client.session.get(TOO_YOUNG_KEY)

    @pytest.mark.parametrize(
        ("year", "message"),
        [
            ("10", "Enter the year as four digits"),
            ("20101", "Enter the year as four digits"),
            (str(timezone.localdate().year + 5), "That year is in the future"),
            ("1850", "That year is too long ago"),
        ],
    )
    def test_says_what_is_wrong_with_a_year(self, year: str, message: str, client: Client) -> None:
        assert message in client.post(PAGE, {"month": "5", "year": year}).content.decode()

    @pytest.mark.parametrize(
        "given",
        [
            {},
            {"month": "5"},
            {"month": "13", "year": "2010"},
            {"month": "0", "year": "2010"},
            {"month": "5", "year": "10"},
            {"month": "5", "year": "3010"},
            {"month": "5", "year": "-2010"},
            {"month": "5", "year": "٢٠١x"},
            {"month": "5", "year": "2010\0"},
            {"month": "x" * 5000, "year": "9" * 5000},
        ],
    )
    def test_asks_again_for_an_invalid_month(self, given: dict[str, str], client: Client) -> None:
        reply = client.post(PAGE, given)
        assert reply.status_code == 422
        assert not client.session.get(TOO_YOUNG_KEY)
        assert not client.session.get(BORN_KEY)


@pytest.mark.django_db
class TestAChild:
    def test_is_refused_kindly_and_only_the_refusal_is_stored(self, client: Client) -> None:
        reply = client.post(PAGE, born(10))
        assert "You can’t have an account yet" in reply.content.decode()
        assert dict(client.session) == {TOO_YOUNG_KEY: True}
        assert not Person.objects.exists()

    def test_cannot_try_another_year_in_the_same_browser(self, client: Client) -> None:
        client.post(PAGE, born(12))
        for reply in (client.get(PAGE), client.post(PAGE, born(15)), client.post(PAGE, GIVEN)):
            assert "You can’t have an account yet" in reply.content.decode()
        assert not Person.objects.exists()

    def test_is_thirteen_only_once_the_month_is_over(self, client: Client) -> None:
        assert "You can’t have an account yet" in client.post(PAGE, born(13)).content.decode()


@pytest.mark.django_db
class TestATeen:
    def test_gets_an_account_and_is_signed_in(self, client: Client) -> None:
        client.post(PAGE, born(15))
        assert client.post(PAGE, GIVEN).headers["Location"] == "/family/"
        person = Person.objects.get()
        assert (person.username, person.display_name, person.role, person.email) == (
            "lou",
            "Lou",
            Role.TEEN,
            "",
        )
        assert person.born == timezone.localdate().replace(day=1, year=timezone.localdate().year - 15)
        assert is_signed_in(client)
        assert BORN_KEY not in client.session

    def test_cannot_skip_the_first_page(self, client: Client) -> None:
        assert client.post(PAGE, GIVEN).status_code == 422
        assert not Person.objects.exists()

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("username", ""),
            ("username", "LOU-ELSE"),
            ("username", "lou@example.org"),
            ("username", "lou lou"),
            ("username", "l" * 61),
            ("username", "lou\0"),
            ("display_name", ""),
            ("display_name", "Lo\u2028u"),
            ("password", "short"),
            ("password", "password123"),
        ],
    )
    def test_is_asked_to_correct_invalid_values(self, field: str, value: str, client: Client) -> None:
        Person.objects.create_user("lou-else", role=Role.TEEN)
        client.post(PAGE, born(15))
        reply = client.post(PAGE, GIVEN | {field: value})
        assert reply.status_code == 422
        assert GIVEN["password"] not in reply.content.decode()
        assert Person.objects.count() == 1


ON = date(2026, 11, 23)
SERVICE: dict[str, Any] = {
    "username": "lou",
    "display_name": "Lou",
    "password": "three-words-in-a-row",
    "time_zone": "Europe/Dublin",
    "on": ON,
}


@pytest.mark.django_db
class TestTheService:
    def test_stores_only_the_month(self) -> None:
        person = create_teen(born=date(2011, 5, 17), **SERVICE)
        person.refresh_from_db()
        assert person.born == date(2011, 5, 1)
        assert person.check_password("three-words-in-a-row")

    def test_creates_nothing_for_a_child(self) -> None:
        with pytest.raises(TooYoung):
            create_teen(born=date(2013, 11, 1), **SERVICE)
        assert not Person.objects.exists()

    @pytest.mark.parametrize("changed", [{"username": "a@b.c"}, {"time_zone": "Mars/Olympus"}])
    def test_refuses_what_cannot_be(self, changed: dict[str, str]) -> None:
        with pytest.raises(ValidationError):
            create_teen(born=date(2011, 5, 1), **(SERVICE | changed))

    def test_usernames_are_unique_case_insensitively(self) -> None:
        create_teen(born=date(2011, 5, 1), **SERVICE)
        with pytest.raises(ValidationError):
            create_teen(born=date(2011, 5, 1), **(SERVICE | {"username": "LOU"}))


def test_the_database_refuses_a_day_of_birth(teen: Person) -> None:
    with pytest.raises(IntegrityError):
        Person.objects.update(born=date(2010, 5, 2))
