import json

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Person
from config import views
from tests.live import Worker


def test_home_says_what_this_is_to_somebody_new_without_a_query(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, db: None
) -> None:
    with django_assert_num_queries(0):
        page = client.get("/")
    assert page.status_code == 200
    assert "/help/now" in page.content.decode()


def test_home_costs_two_queries_for_somebody_signed_in(
    client: Client, teen: Person, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(teen)
    with django_assert_max_num_queries(2):
        assert "Noor" in client.get("/").content.decode()


@pytest.mark.parametrize("path", ["/", "/sign-in", "/help/now", "/nothing-here"])
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
        reply = views.server_error(rf.get("/"))
    assert reply.status_code == status
    assert "/help/now" in reply.content.decode()


class TestHealth:
    def test_the_process_answers_without_any_part(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries, db: None
    ) -> None:
        with django_assert_num_queries(0):
            assert client.get("/healthz").status_code == 200

    def test_every_part_is_named_and_ok(self, client: Client, worker: Worker) -> None:
        reply = client.get("/readyz")
        assert json.loads(reply.content) == {"database": "ok", "valkey": "ok", "worker": "ok", "model": "ok"}
        assert reply.status_code == 200

    def test_a_part_that_is_away_is_named_and_its_address_is_not(
        self, client: Client, transactional_db: None, settings: Settings
    ) -> None:
        settings.TUTOR_BASE_URL = "http://127.0.0.1:9/secret-path/v1"
        reply = client.get("/readyz")
        found = json.loads(reply.content)
        assert reply.status_code == 503
        assert found["database"] == "ok"
        assert found["model"] != "ok"
        assert "secret" not in reply.content.decode()


def test_every_static_file_that_is_named_is_there(tmp_path: object, settings: Settings) -> None:
    settings.STATIC_ROOT = str(tmp_path)
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"}
    }
    call_command("collectstatic", "--no-input", verbosity=0)


def test_no_migration_is_missing(db: None) -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
