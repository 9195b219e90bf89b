"""A zone is chosen by city and stored by its current name. A guess is shown as one until confirmed."""

import re
from collections.abc import Callable
from datetime import date

import pytest
from django.test import Client

from accounts.models import Person
from accounts.services import create_teen

ADULT_FORM = {
    "display_name": "Kim",
    "email": "kim@example.org",
    "password1": "three-words-in-a-row",
    "month": "5",
    "year": "1980",
}


AGE = {"month": "5", "year": "2011"}


TEEN = {"username": "lou", "display_name": "Lou", "password": "three-words-in-a-row"}


@pytest.mark.django_db
class TestANewAccount:
    @pytest.mark.parametrize(
        ("sent", "zone", "is_confirmed"),
        [
            # Without a script the guess is stored as a guess.
            ({}, "Europe/London", False),
            ({"time_zone": "Europe/London"}, "Europe/London", False),
            # The browser reported it, maybe by an old name, or the person chose it.
            ({"time_zone": "Europe/London", "browser_zone": "GB"}, "Europe/London", True),
            ({"time_zone": "Asia/Calcutta", "browser_zone": "Asia/Calcutta"}, "Asia/Kolkata", True),
            ({"time_zone": "Europe/Madrid"}, "Europe/Madrid", True),
            ({"browser_zone": "Mars/Olympus"}, "Europe/London", False),
        ],
    )
    def test_has_a_zone(self, sent: dict[str, str], zone: str, is_confirmed: bool) -> None:
        for page, given in (("/sign-up", ADULT_FORM), ("/sign-up/teen", TEEN)):
            client = Client(headers={"accept-language": "en-GB"})
            if page == "/sign-up/teen":
                client.post(page, AGE)
            assert client.post(page, given | sent).status_code == 302
            person = Person.objects.latest("pk")
            assert (person.time_zone, person.is_zone_confirmed) == (zone, is_confirmed)

    @pytest.mark.parametrize("page", ["/sign-up", "/sign-up/teen"])
    def test_is_not_created_with_an_unknown_zone(self, page: str, client: Client) -> None:
        if page == "/sign-up/teen":
            client.post(page, AGE)
        given = ADULT_FORM if page == "/sign-up" else TEEN
        reply = client.post(page, given | {"time_zone": "Mars/Olympus"})
        assert reply.status_code == (200 if page == "/sign-up" else 422)
        assert "Choose a time zone from the list" in reply.content.decode()
        assert not Person.objects.exists()

    def test_can_be_created_with_an_old_zone_name(self) -> None:
        person = create_teen(
            username="lou", display_name="Lou", password="p", born=date(2010, 5, 1), time_zone="US/Pacific"
        )
        assert person.time_zone == "America/Los_Angeles"

    def test_shows_the_guess_and_a_list_that_a_script_can_search(self) -> None:
        page = Client(headers={"accept-language": "es-ES"}).get("/sign-up").content.decode()
        assert re.search(r'<select name="time_zone"[^>]* data-zone="choose"', page)
        assert '<option value="Europe/Madrid" selected>Madrid, España' in page
        assert re.search(r'value="Asia/Kolkata" data-old-names="[^"]*Asia/Calcutta', page)
        assert "js/zone.js" in page


class TestTheAccountPage:
    def test_shows_the_zones_current_time_and_that_it_is_a_guess(
        self, as_person: Callable[[Person], Client], teen: Person
    ) -> None:
        client = as_person(teen)
        page = client.get("/account/").content.decode()
        assert re.search(r"It’s [^<]* in Los Angeles now\.", page)
        assert "We guessed your time zone: Los Angeles. If that’s wrong" in page
        client.post("/account/", {"display_name": "Noor", "time_zone": "America/Los_Angeles"})
        teen.refresh_from_db()
        assert teen.is_zone_confirmed
        assert "We guessed" not in client.get("/account/").content.decode()

    def test_accepts_an_old_zone_name(self, as_person: Callable[[Person], Client], teen: Person) -> None:
        as_person(teen).post("/account/", {"display_name": "Noor", "time_zone": "Asia/Calcutta"})
        teen.refresh_from_db()
        assert teen.time_zone == "Asia/Kolkata"
