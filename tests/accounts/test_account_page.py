from collections.abc import Callable
from datetime import date

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import Person
from courses.models import Certificate
from mail.models import Email

PAGE = "/account/"


def test_the_account_page_asks_for_sign_in(client: Client, db: None) -> None:
    assert client.get(PAGE).headers["Location"] == "/sign-in?next=/account/"


def test_the_name_in_the_header_links_to_the_account_page(
    as_person: Callable[[Person], Client], teen: Person
) -> None:
    assert reverse("accounts:account") == PAGE
    assert f'href="{PAGE}"' in as_person(teen).get("/").content.decode()


def test_name_and_time_zone_can_be_changed(as_person: Callable[[Person], Client], teen: Person) -> None:
    reply = as_person(teen).post(PAGE, {"display_name": "Nour", "time_zone": "Europe/Dublin"}, follow=True)
    assert "Saved." in reply.content.decode()
    teen.refresh_from_db()
    assert (teen.display_name, teen.time_zone) == ("Nour", "Europe/Dublin")


def test_other_fields_cannot_be_changed(as_person: Callable[[Person], Client], teen: Person) -> None:
    more = {
        "role": "admin",
        "is_staff": "on",
        "username": "other",
        "email": "a@example.org",
        "born": "1990-01-01",
    }
    as_person(teen).post(PAGE, {"display_name": "Nour", "time_zone": "UTC"} | more)
    teen.refresh_from_db()
    assert (teen.role, teen.is_staff, teen.username, teen.email, teen.born) == (
        "teen",
        False,
        "noor",
        "",
        None,
    )


@pytest.mark.parametrize(
    "changed",
    [{"display_name": ""}, {"display_name": "N\u202eN"}, {"time_zone": "Mars/Olympus"}, {"time_zone": ""}],
)
def test_invalid_values_are_refused(
    changed: dict[str, str], as_person: Callable[[Person], Client], teen: Person
) -> None:
    reply = as_person(teen).post(PAGE, {"display_name": "Nour", "time_zone": "UTC"} | changed)
    assert reply.status_code == 422
    teen.refresh_from_db()
    assert teen.display_name == "Noor"


def test_a_zone_that_is_not_in_the_list_is_kept(as_person: Callable[[Person], Client], teen: Person) -> None:
    Person.objects.update(time_zone="Etc/GMT+3")
    teen.refresh_from_db()
    assert "Etc/GMT+3" in as_person(teen).get(PAGE).content.decode()


def test_no_page_sets_a_cookie_that_the_privacy_page_does_not_name(client: Client, teen: Person) -> None:
    client.get("/account/password/reset/")
    client.post("/sign-in", {"username": "noor", "password": "a-long-password"})
    client.post(PAGE, {"display_name": "Nour", "time_zone": "UTC"})
    assert set(client.cookies) == {"csrftoken", "sessionid", "known_device"}


class TestTheLanguage:
    def test_can_be_chosen_and_is_that_of_this_browser_from_then_on(
        self, as_person: Callable[[Person], Client], parent: Person
    ) -> None:
        client = as_person(parent)
        chosen = {"display_name": "Sam", "time_zone": "UTC", "language": "es"}
        page = client.post(PAGE, chosen, follow=True).content.decode()
        assert '<html lang="es">' in page
        assert "Guardado." in page
        parent.refresh_from_db()
        assert parent.language == "es"
        assert client.cookies["language"].value == "es"

    def test_is_that_of_the_page_where_someone_signed_up(self, db: None) -> None:
        with translation.override("es"):
            assert Person(username="nueva").language == "es"

    def test_must_be_one_of_the_sites(self, as_person: Callable[[Person], Client], parent: Person) -> None:
        form = {"display_name": "Sam", "time_zone": "UTC", "language": "tlh"}
        assert as_person(parent).post(PAGE, form).status_code == 422

    def test_is_that_of_emails_whatever_browser_asks_for_them(self, parent: Person, client: Client) -> None:
        Person.objects.filter(pk=parent.pk).update(language="es", email="sam@example.org")
        EmailAddress.objects.create(user=parent, email="sam@example.org", verified=True, primary=True)
        client.post(
            "/account/password/reset/", {"email": "sam@example.org"}, headers={"accept-language": "en"}
        )
        email = Email.objects.get()
        assert email.language == "es"
        assert "contraseña" in email.text


def test_certificates_are_listed_newest_first(as_person: Callable[[Person], Client], teen: Person) -> None:
    for day, slug in enumerate(("good-and-bad", "social"), 1):
        Certificate.objects.create(
            person=teen, module_slug=slug, language="en", title=f"About {slug}", lessons=5, questions=5,
            edition="0123456789ab", issued_on=date(2026, 11, day),
        )  # fmt: skip
    page = as_person(teen).get(PAGE).content.decode()
    assert page.index("About social") < page.index("About good-and-bad")
    assert 'href="/learn/social/certificate"' in page


def test_without_certificates_none_are_mentioned(as_person: Callable[[Person], Client], teen: Person) -> None:
    assert "certificates" not in as_person(teen).get(PAGE).content.decode()
