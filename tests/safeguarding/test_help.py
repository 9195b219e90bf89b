"""Help pages work for everyone, whatever else is down."""

import time
from collections.abc import Callable, Iterator

import pytest
from django.contrib.sessions.backends.base import SessionBase
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Person
from safeguarding import public_facts
from safeguarding.counts import add_to_count
from safeguarding.models import CountKind
from safeguarding.public_facts import read_public_facts
from tests.markup import squeezed
from tests.safeguarding import teen_side

PAGES = ["/help/now", "/help/protocol"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("who", [None, "teen", "parent", "admin_person"])
def test_help_pages_need_no_query(
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
    # The page is the same for everyone, so shared caches may keep it, one per language.
    assert "public" in reply.headers["Cache-Control"]
    assert not reply.cookies
    assert reply.headers["Vary"] == "Accept-Language, Cookie"


@pytest.mark.parametrize("path", PAGES)
def test_help_pages_work_without_a_database(path: str, client: Client) -> None:
    # Without a database fixture, pytest-django refuses every query. A session cookie must make no difference.
    client.cookies["sessionid"] = "x" * 32
    assert client.get(path).status_code == 200
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405


@pytest.mark.parametrize("path", PAGES)
def test_help_pages_work_without_broker_or_model(
    path: str, client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.VALKEY_URL = settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    settings.TUTOR_BASE_URL = "http://127.0.0.1:1/v1"
    monkeypatch.setattr(SessionBase, "get", lambda *_: pytest.fail("the session was read"))
    assert client.get(path).status_code == 200


def test_the_sites_country_comes_first(client: Client, settings: Settings) -> None:
    settings.HELP_COUNTRY = "IE"
    page = client.get("/help/now").content.decode()
    assert page.index("Ireland") < page.index("United States")


def test_every_contact_of_a_help_line_is_a_link(client: Client) -> None:
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
    link = 'class="quick-exit" href="/help/leave" rel="noreferrer noopener" data-exit="https://www.wikipedia.org/"'
    assert link in page


def test_the_protocol_says_what_the_tutor_does_and_does_not_do(client: Client, settings: Settings) -> None:
    settings.CRISIS_TEXTS_REVIEW = ""
    page = client.get("/help/protocol").content.decode()
    for text in ("No one watches", "doesn’t recognize everything", "isn’t therapy", "hasn’t reviewed"):
        assert text in page
    settings.CRISIS_TEXTS_REVIEW = "Dr A. Name, 2026-11-22"
    assert "was reviewed" in client.get("/help/protocol").content.decode()


def test_the_protocol_names_every_program_that_reads_a_message(client: Client, settings: Settings) -> None:
    page = client.get("/help/protocol").content.decode()
    assert "learned from example messages" in page
    assert "a second program" not in page
    settings.GUARD_PROVIDER, settings.GUARD_BASE_URL = "openai", "https://guard.example.org/v1"
    assert "a second program at guard.example.org" in client.get("/help/protocol").content.decode()


@pytest.fixture
def _clear_caches() -> Iterator[None]:
    teen_side.clear_caches()
    yield
    teen_side.clear_caches()


@pytest.mark.usefixtures("_clear_caches")
class TestTheProtocolAndHumanReview:
    def read(self, client: Client) -> str:
        read_public_facts()
        return squeezed(client.get("/help/protocol").content.decode())

    def test_says_that_no_one_is_told_where_no_one_reviews(self, client: Client, db: None) -> None:
        page = self.read(client)
        assert "this site doesn’t tell anyone" in page
        assert "No one is shown the answer to it." in page
        assert "Who reads it" not in page

    def test_says_who_reads_what_where_people_review(self, client: Client, admin_person: Person) -> None:
        teen_side.switch_on(admin_person)
        page = self.read(client)
        assert f"someone at {teen_side.ORGANIZATION} may read a short part of that message" in page
        assert "If home may not be safe, no parent is told." in page
        assert "doesn’t tell anyone" not in page
        assert "No one is shown the answer" not in page

    def test_does_not_publish_a_small_count(self, client: Client, db: None) -> None:
        for _ in range(9):
            add_to_count(CountKind.REFERRAL, level="3")
        assert "help lines were shown in fewer than 10 crises." in self.read(client)

    def test_publishes_the_years_count_with_each_crisis_once(self, client: Client, db: None) -> None:
        for kind, times in ((CountKind.REFERRAL, 12), (CountKind.CARD, 20)):
            for _ in range(times):
                add_to_count(kind, level="3")
        assert f"So far in {timezone.now().year}, help lines were shown in 12 crises." in self.read(client)

    def test_promises_nothing_that_it_cannot_look_up(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail() -> None:
            raise OperationalError

        monkeypatch.setattr(public_facts, "read_public_facts", fail)
        page = squeezed(client.get("/help/protocol").content.decode())
        assert "can’t be looked up right now" in page
        assert "doesn’t tell anyone" not in page
        assert "crises. Several" not in page

    def test_does_not_wait_for_a_database_that_hangs(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("safeguarding.public_facts.read_public_facts", lambda: time.sleep(5))
        began = time.monotonic()
        assert client.get("/help/protocol").status_code == 200
        assert client.get("/help/protocol").status_code == 200
        assert time.monotonic() - began < 2
