"""One rule for names: it accepts names from around the world and refuses what isn't a name."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Person
from accounts.names import ADDRESS_ERROR, ONE_LINE_ERROR
from events.models import Event, SignUp
from events.services import create_sign_up
from families.models import TrustedAdult
from tests.conftest import ADULT_BIRTH
from tests.events.conftest import MakeEvent, make_event  # noqa: F401 - a fixture

Post = Callable[..., Any]


class TestEveryNameField:
    """Every form with a name stores the same name and refuses the same input."""

    @pytest.fixture(autouse=True)
    def _event(self, make_event: MakeEvent) -> Event:  # noqa: F811
        return make_event()

    @pytest.fixture(params=["account", "teen sign-up", "sign-up", "event", "guest", "trusted adult", "admin"])
    def door(self, request: pytest.FixtureRequest) -> Post:
        """Posts a name to one of the forms."""
        get = request.getfixturevalue
        client = Client()
        email = "kim@example.org"

        def guest(name: str) -> Any:
            host = SignUp.objects.first() or create_sign_up(
                event=Event.objects.get(), name="Host", email=email
            )
            SignUp.objects.update(status="waitlisted", waitlisted_at=host.created_at)
            return client.post(
                f"/events/sign-up/{host.token}/invite-guest", {"name": name, "email": "lee@example.org"}
            )

        def teen_sign_up(name: str) -> Any:
            client.post("/sign-up/teen", {"month": "1", "year": "2011"})
            form = {"username": "noor-new", "display_name": name, "password": "a-long-password-1"}
            return client.post("/sign-up/teen", form)

        def admin(name: str) -> Any:
            person = get("teen")
            client.force_login(get("admin_person"))
            form = {
                "username": person.username,
                "display_name": name,
                "role": person.role,
                "time_zone": person.time_zone,
                "is_active": "on",
            }
            return client.post(f"/admin/accounts/person/{person.pk}/change/", form)

        def signed_in(path: str, **form: str) -> Post:
            def post(name: str) -> Any:
                client.force_login(get("teen"))
                return client.post(path, {key: value or name for key, value in form.items()})

            return post

        doors: dict[str, Post] = {
            "account": signed_in("/account/", display_name="", time_zone="UTC"),
            "teen sign-up": teen_sign_up,
            "sign-up": lambda name: client.post(
                "/sign-up",
                {"display_name": name, "email": email, "password1": "a-long-password-1", **ADULT_BIRTH},
            ),
            "event": lambda name: client.post("/events/one-evening/sign-up", {"name": name, "email": email}),
            "guest": guest,
            "trusted adult": signed_in("/family/trusted-adult", name="", contact="555"),
            "admin": admin,
        }
        return doors[request.param]

    def list_names(self) -> set[str]:
        return {
            *Person.objects.values_list("display_name", flat=True),
            *SignUp.objects.values_list("name", flat=True),
            *TrustedAdult.objects.values_list("name", flat=True),
        }

    @pytest.mark.parametrize("name", ["https://evil.example/prize", "Prize: evil-win.com/claim", "K\x00im"])
    def test_refuses_an_address(self, door: Post, name: str) -> None:
        reply = door(name)
        page = reply.content.decode()
        # Admin pages answer 200 and show the field's error.
        assert reply.status_code in {200, 422}
        assert str(ADDRESS_ERROR) in page or str(ONE_LINE_ERROR) in page
        assert name not in self.list_names()

    def test_accepts_names_from_around_the_world(self, door: Post) -> None:
        assert door("علی\u200cرضا\u3000O‘Neil, Jr.").status_code == 302
        assert "علی\u200cرضا O‘Neil, Jr." in self.list_names()


@pytest.mark.parametrize("username", ["evil-win.com", "kim@home"])
def test_a_username_cannot_be_an_address(client: Client, db: None, username: str) -> None:
    client.post("/sign-up/teen", {"month": "1", "year": "2011"})
    form = {"username": username, "display_name": "Kim", "password": "a-long-password-1"}
    assert client.post("/sign-up/teen", form).status_code == 422
    assert not Person.objects.exists()
