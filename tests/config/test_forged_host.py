"""No link in an email uses the Host header, which anyone can forge."""

from collections.abc import Callable, Iterator

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from accounts.models import Person, Role
from events.models import Event
from kit import rate_limits
from kit.hyperlinks import has_hyperlink
from mail.models import Email
from tests.conftest import ADULT_BIRTH
from tests.events.conftest import MakeEvent, make_event  # noqa: F401 - a fixture

SITE = "https://kitchen.example"
EVIL = "evil.example"
PASSWORD = "a-long-password"


@pytest.fixture(autouse=True)
def _site(settings: Settings, db: None) -> Iterator[None]:
    settings.SITE_URL = SITE
    # As behind a proxy that allows any host.
    settings.ALLOWED_HOSTS = ["*"]
    cache.clear()
    rate_limits._shared_counters().storage.reset()
    yield
    rate_limits._shared_counters().storage.reset()


@pytest.fixture
def evil() -> Client:
    return Client(headers={"host": EVIL})


@pytest.fixture
def kim(make_person: Callable[..., Person]) -> Person:
    person = make_person("kim", Role.PARENT, email="kim@example.org", display_name="Kim")
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person


@pytest.fixture
def event(make_event: MakeEvent) -> Event:  # noqa: F811
    return make_event()


@pytest.mark.parametrize(
    ("path", "form"),
    [
        (
            "/sign-up",
            {
                "display_name": "Lee",
                "email": "lee@example.org",
                "password1": "a-very-long-password",
                **ADULT_BIRTH,
            },
        ),
        # An address with an account, and one without.
        (
            "/sign-up",
            {
                "display_name": "Kim",
                "email": "kim@example.org",
                "password1": "a-very-long-password",
                **ADULT_BIRTH,
            },
        ),
        ("/account/password/reset/", {"email": "nobody@example.org"}),
        ("/account/password/reset/", {"email": "kim@example.org"}),
        ("/events/one-evening/sign-up", {"name": "Lee", "email": "lee@example.org"}),
    ],
)
def test_in_a_mail_to_a_visitor(
    evil: Client, kim: Person, event: Event, path: str, form: dict[str, str]
) -> None:
    evil.post(path, form)
    require_own_links()


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/account/email/", {"email": "new@example.org", "action_add": "yes"}),
        (
            "/account/password/change/",
            {"oldpassword": PASSWORD, "password1": "another-long-one-1", "password2": "another-long-one-1"},
        ),
        ("/family/invite", {"email": "lee@example.org"}),
    ],
)
def test_in_a_mail_to_a_person(evil: Client, kim: Person, path: str, form: dict[str, str]) -> None:
    evil.post("/sign-in", {"username": "kim", "password": PASSWORD})
    evil.post(path, form)
    require_own_links()


def require_own_links() -> None:
    mails = list(Email.objects.all())
    assert mails
    for mail in mails:
        links = [word for word in mail.text.split() if has_hyperlink(word)]
        assert links
        assert all(link.startswith(f"{SITE}/") for link in links), mail.text
        assert EVIL not in mail.text


def test_in_what_a_page_hands_over(evil: Client, kim: Person) -> None:
    evil.force_login(kim)
    evil.post("/family/invite", {})
    page = evil.get("/family/").content.decode()
    assert f"{SITE}/family/join/" in page
    assert EVIL not in page


@pytest.mark.usefixtures("library")
def test_in_feeds(evil: Client, event: Event) -> None:
    for path in ("/briefings/feed", "/events/calendar.ics"):
        assert EVIL not in evil.get(path).content.decode()


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("path", ["/briefings/feed", "/events/calendar.ics"])
def test_a_feed_has_the_language_of_its_address_and_not_of_the_program(client: Client, path: str) -> None:
    def language(path: str) -> str:
        return str(client.get(path, headers={"accept-language": "es"}).headers["Content-Language"])

    assert [language(f"{path}{more}") for more in ("", "?language=es", "?language=xx")] == ["en", "es", "en"]
