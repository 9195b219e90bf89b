"""Help is there for everybody, whatever else is down."""

from collections.abc import Callable

import pytest
from django.contrib.sessions.backends.base import SessionBase
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Person
from tests.markup import squeezed

PAGES = ["/help/now", "/help/protocol"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("who", [None, "teen", "parent", "admin_person"])
def test_it_asks_no_database_whoever_reads(
    path: str,
    who: str | None,
    request: pytest.FixtureRequest,
    as_person: Callable[[Person], Client],
    client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
    db: None,
) -> None:
    reader = as_person(request.getfixturevalue(who)) if who else client
    with django_assert_num_queries(0):
        reply = reader.get(path)
    assert reply.status_code == 200
    # The same page for everybody may be kept by any cache in between, for each language that is asked for or chosen.
    assert "public" in reply.headers["Cache-Control"]
    assert not reply.cookies
    assert reply.headers["Vary"] == "Accept-Language, Cookie"


@pytest.mark.parametrize("path", PAGES)
def test_it_comes_without_a_database_at_all(path: str, client: Client) -> None:
    # No database fixture: pytest-django refuses every query here. A session cookie makes no difference.
    client.cookies["sessionid"] = "x" * 32
    assert client.get(path).status_code == 200
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405


@pytest.mark.parametrize("path", PAGES)
def test_it_comes_without_the_broker_or_the_model(
    path: str, client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.VALKEY_URL = settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    settings.TUTOR_BASE_URL = "http://127.0.0.1:1/v1"
    monkeypatch.setattr(SessionBase, "get", lambda *_: pytest.fail("the session was read"))
    assert client.get(path).status_code == 200


def test_the_deployers_country_stands_first(client: Client, settings: Settings) -> None:
    settings.HELP_COUNTRY = "IE"
    page = client.get("/help/now").content.decode()
    assert page.index("Ireland") < page.index("United States")


def test_every_way_to_reach_a_line_is_a_link(client: Client) -> None:
    page = client.get("/help/now").content.decode()
    for link in (
        "tel:988",
        "sms:988",
        "sms:741741?&amp;body=HOME",
        "tel:116123",
        "tel:911",
        "https://findahelpline.com/",
    ):
        assert f'href="{link}"' in page


def test_the_page_can_be_left_quickly(client: Client) -> None:
    page = squeezed(client.get("/help/now").content.decode())
    assert 'class="quick-exit" href="https://www.wikipedia.org/" rel="noreferrer noopener"' in page


def test_the_protocol_says_what_is_and_what_is_not(client: Client, settings: Settings) -> None:
    settings.CRISIS_TEXTS_REVIEW = ""
    page = client.get("/help/protocol").content.decode()
    for said in ("Nobody watches", "does not recognise everything", "not therapy", "not yet been reviewed"):
        assert said in page
    settings.CRISIS_TEXTS_REVIEW = "Dr A. Name, 2026-11-22"
    assert "were reviewed" in client.get("/help/protocol").content.decode()


def test_the_protocol_names_whatever_reads_a_message(client: Client, settings: Settings) -> None:
    page = client.get("/help/protocol").content.decode()
    assert "learned from example messages" in page
    assert "a second program" not in page
    settings.GUARD_PROVIDER, settings.GUARD_BASE_URL = "openai", "https://guard.example.org/v1"
    assert "a second program at guard.example.org" in client.get("/help/protocol").content.decode()
