"""Without its public protocol and the help lines the tutor is closed. Help never is."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.checks import run_checks
from django.http import HttpRequest, HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from chat.asking.services import start_turn_from_page
from chat.errors import TutorClosed
from config import startup
from safeguarding import datafile, helplines, views
from safeguarding.readiness import clear_protocol_check_cache, find_protocol_problems
from safeguarding.review import is_tutor_open


@pytest.fixture(autouse=True)
def _checked_anew() -> Iterator[None]:
    clear_protocol_check_cache()
    yield
    clear_protocol_check_cache()
    helplines.list_countries.cache_clear()


@pytest.fixture
def without_help_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(datafile.FOLDER, tmp_path, dirs_exist_ok=True)
    (tmp_path / "helplines.toml").unlink()
    monkeypatch.setattr(datafile, "FOLDER", tmp_path)
    helplines.list_countries.cache_clear()


def list_warnings() -> list[str]:
    return [
        found.msg for found in run_checks(include_deployment_checks=True) if found.id == "safeguarding.W002"
    ]


def test_the_shipped_site_is_ready() -> None:
    assert find_protocol_problems() == []
    assert is_tutor_open()


def test_the_check_needs_no_query(django_assert_num_queries: DjangoAssertNumQueries, db: None) -> None:
    with django_assert_num_queries(0):
        assert is_tutor_open()


def test_a_page_that_fails_closes_the_tutor_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_kwargs: object) -> HttpResponse:
        raise RuntimeError("no template")

    monkeypatch.setattr(views, "_render_without_session", fail)
    assert not is_tutor_open()
    assert "The tutor is closed: /help/protocol (en) fails: RuntimeError: no template" in list_warnings()


def test_a_page_that_does_not_answer_200_closes_the_tutor(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_request: HttpRequest, *_args: object, **_kwargs: object) -> HttpResponse:
        return HttpResponse(status=503)

    monkeypatch.setattr(views, "_render_without_session", refuse)
    assert not is_tutor_open()
    assert find_protocol_problems()[0] == "/help/protocol (en) answers 503."


@pytest.mark.usefixtures("without_help_lines")
class TestWithoutHelpLines:
    def test_the_tutor_is_closed_and_the_file_is_named(self) -> None:
        assert not is_tutor_open()
        [warning] = list_warnings()
        assert warning.startswith("The tutor is closed: helplines.toml, line 1: It cannot be read")

    def test_a_question_gets_no_answer_and_a_cry_for_help_its_card(
        self, teen: Person, as_person: Callable[[Person], Client]
    ) -> None:
        with pytest.raises(TutorClosed):
            start_turn_from_page(person=teen, turn_id=uuid4(), question="What is rain?")
        reply = as_person(teen).post("/tutor/ask", {"question": "i want to kill myself"}, follow=True)
        page = reply.content.decode()
        assert 'class="card-crisis"' in page
        assert 'href="https://findahelpline.com/"' in page

    def test_the_help_page_shows_a_directory(self, client: Client) -> None:
        reply = client.get("/help/now")
        assert reply.status_code == 200
        assert 'href="https://findahelpline.com/"' in reply.content.decode()

    def test_a_web_process_starts_and_says_why_the_tutor_is_closed(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        startup.load_for_web()
        assert "The tutor is closed: helplines.toml" in caplog.text


def test_it_opens_again_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(views, "_render_without_session", lambda *_args, **_kwargs: HttpResponse(status=500))
        assert not is_tutor_open()
    clear_protocol_check_cache()
    assert is_tutor_open()
