import json
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Person
from benchmarks.reading_level import grade, read_words
from courses.learning.records import PersonRecord
from courses.models import Module
from events.selectors import find_next_event
from families.consent_texts import get_current_text
from families.models import Consent
from pages import error_pages
from routing.registry import list_models
from tests.live import Worker, wait_until


class TestTheFrontDoor:
    def test_leads_to_the_module_the_next_event_and_the_tutor(self, client: Client, db: None) -> None:
        call_command("load_demo", stdout=StringIO())
        page = client.get("/").content.decode()
        event = find_next_event()
        assert event
        for address in ("/learn/good-and-bad", event.get_absolute_url(), "/tutor/", "/help/now"):
            assert f'href="{address}"' in page

    def test_offers_a_reader_the_place_where_they_stopped(
        self, library: None, teen: Person, client: Client
    ) -> None:
        PersonRecord(teen).mark_lesson_done("good-and-bad", "what-it-is")
        client.force_login(teen)
        page = client.get("/").content.decode()
        assert 'href="/learn/good-and-bad/good-at-and-bad-at"' in page
        assert "1 of 6 done" in page

    def test_offers_the_module_that_was_begun_and_not_the_first(
        self, library: None, teen: Person, client: Client
    ) -> None:
        PersonRecord(teen).mark_lesson_done("social", "characters-that-talk-back")
        client.force_login(teen)
        page = client.get("/").content.decode()
        assert "Continue: What its company costs" in page

    def test_leads_to_every_module_in_its_order(self, client: Client, library: None) -> None:
        page = client.get("/").content.decode()
        topics = page[page.index('id="topics"') :]
        places = [topics.index(f'href="/learn/{module.slug}"') for module in Module.objects.order_by("order")]
        assert places == sorted(places)
        assert len(places) >= 4

    def test_works_without_content_and_events(self, client: Client, no_library: None) -> None:
        page = client.get("/").content.decode()
        assert "No event is scheduled yet." in page
        assert "/learn/" in page

    def test_costs_a_visitor_four_queries(
        self, client: Client, db: None, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        call_command("load_demo", stdout=StringIO())
        with django_assert_num_queries(4):
            client.get("/")

    def test_costs_a_person_who_is_signed_in_nine_queries(
        self, client: Client, teen: Person, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        call_command("load_demo", stdout=StringIO())
        client.force_login(teen)
        with django_assert_num_queries(9):
            assert "Noor" in client.get("/").content.decode()


@pytest.mark.parametrize("path", ["/about", "/privacy", "/help/"])
class TestPagesOfWords:
    def test_are_public_and_make_no_queries(
        self, path: str, client: Client, db: None, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        # The models are read now and then, not for each page.
        list_models()
        with django_assert_num_queries(0):
            assert client.get(path).status_code == 200

    def test_name_a_way_to_write_outside_the_demo_and_none_inside(
        self, path: str, client: Client, db: None, settings: Settings
    ) -> None:
        settings.DEFAULT_FROM_EMAIL = "Kitchen Table <hello@table.example>"
        assert "hello@table.example" not in client.get(path).content.decode()
        settings.DEMO = False
        assert "mailto:hello@table.example" in client.get(path).content.decode()


def test_privacy_names_the_host_of_a_remote_model(client: Client, db: None, settings: Settings) -> None:
    assert "Your questions never leave it." in client.get("/privacy").content.decode()
    settings.TUTOR_BASE_URL = "https://models.example.com/v1"
    page = client.get("/privacy").content.decode()
    assert "Questions may go to models at models.example.com." in page
    assert "do not leave it" not in page


def test_privacy_says_that_a_question_is_looked_through_before_it_leaves(
    client: Client, db: None, settings: Settings
) -> None:
    sentence = "looks in it for names, addresses, numbers and schools"
    assert sentence not in client.get("/privacy").content.decode()
    settings.GUARD_PROVIDER, settings.GUARD_BASE_URL = "openai", "https://guard.example.com/v1"
    assert sentence in client.get("/privacy").content.decode()
    settings.GUARD_PROVIDER, settings.TUTOR_BASE_URL = "", "https://models.example.com/v1"
    assert sentence in client.get("/privacy").content.decode()


@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/learn/", "/events/", "/about", "/help/now", "/nothing-here"]
)
def test_every_page_forbids_what_it_does_not_need(path: str, client: Client, db: None) -> None:
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"


def test_a_page_that_is_not_there_says_so(client: Client, db: None) -> None:
    reply = client.get("/nothing-here")
    assert reply.status_code == 404
    assert "/help/now" in reply.content.decode()


def test_an_expired_form_says_so(db: None) -> None:
    reply = Client(enforce_csrf_checks=True).post("/sign-in", {"username": "x", "password": "y"})
    assert reply.status_code == 403
    assert "/help/now" in reply.content.decode()


@pytest.mark.parametrize(("fault", "status"), [(ValueError(), 500), (OperationalError(), 503)])
def test_an_error_keeps_the_help_lines_in_reach(fault: Exception, status: int, rf: RequestFactory) -> None:
    try:
        raise fault
    except type(fault):
        reply = error_pages.server_error(rf.get("/"))
    assert reply.status_code == status
    assert "/help/now" in reply.content.decode()


class TestHealth:
    def test_the_process_answers_without_any_part(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries, db: None
    ) -> None:
        with django_assert_num_queries(0):
            assert client.get("/healthz").status_code == 200

    def test_every_service_is_named_and_ok(self, client: Client, worker: Worker) -> None:
        # Each service has two seconds to answer, which may be too short while other tests run.
        wait_until(lambda: client.get("/readyz").status_code == 200, what="every part to answer in time")
        reply = client.get("/readyz")
        assert set(json.loads(reply.content)) == {"database", "valkey", "worker", "model"}

    def test_a_service_that_is_down_is_named_without_its_address(
        self, client: Client, transactional_db: None, settings: Settings
    ) -> None:
        settings.TUTOR_BASE_URL = "http://127.0.0.1:9/secret-path/v1"
        reply = client.get("/readyz")
        health = json.loads(reply.content)
        assert reply.status_code == 503
        assert health["database"] == "ok"
        assert health["model"] != "ok"
        assert "secret" not in reply.content.decode()


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("get", "/language", "POST"),
        ("get", "/events/sign-up/x/leave", "POST"),
        ("post", "/help/now", "GET, HEAD"),
    ],
)
def test_a_method_that_an_address_does_not_have_gets_a_page(
    method: str, path: str, allowed: str, client: Client
) -> None:
    """Needs no database: /help/now must answer while it is down."""
    reply = getattr(client, method)(path, headers={"Accept-Language": "es"})
    assert (reply.status_code, reply.headers["Allow"]) == (405, allowed)
    page = reply.content.decode()
    assert "No funcionó" in page
    assert int(reply.headers["Content-Length"]) == len(reply.content)
    for way in ("/", "/help/now"):
        assert f'href="{way}"' in page


def test_every_static_file_that_is_named_is_there(tmp_path: object, settings: Settings) -> None:
    settings.STATIC_ROOT = str(tmp_path)
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"}
    }
    # Compressing the admin's scripts takes most of the time, and the pictures show that it is done.
    settings.SERVESTATIC_SKIP_COMPRESS_EXTENSIONS = (
        *settings.SERVESTATIC_SKIP_COMPRESS_EXTENSIONS,
        "js",
        "css",
    )
    call_command("collectstatic", "--no-input", verbosity=0)


def test_no_migration_is_missing(db: None) -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


class TestPromises:
    """What a teen is promised can be read by a teen: US school grade 7 and below (benchmarks/reading_level.py)."""

    @pytest.mark.parametrize("path", ["/privacy", "/help/protocol", "/help/"])
    def test_a_page_of_promises_is_plain(self, path: str, client: Client, db: None) -> None:
        assert grade(read_words(client.get(path).content.decode())) <= 7

    def test_the_consent_text_is_plain(self) -> None:
        assert grade(" ".join(get_current_text().points)) <= 7

    @pytest.mark.parametrize("path", ["/privacy", "/help/protocol", "/help/now"])
    @pytest.mark.parametrize("who", ["anonymous", "teen", "parent", "admin_person"])
    def test_they_are_always_reachable(
        self, path: str, who: str, as_person: Callable[[Person], Client], request: pytest.FixtureRequest
    ) -> None:
        """Even for a teen whose tutor is closed."""
        client = Client() if who == "anonymous" else as_person(request.getfixturevalue(who))
        Consent.objects.all().delete()
        assert client.get(path).status_code == 200
