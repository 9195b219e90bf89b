from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Person

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
