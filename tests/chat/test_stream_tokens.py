"""The token in a page's stream address: it opens one stream to one session, for two minutes, without the database."""

import re
import time
from collections.abc import Callable
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Person
from budgets.services import release_hold
from chat.models import Turn, TurnState, WaitsFor
from chat.streaming import reader, tokens
from tests.chat.conftest import Ask

AsPerson = Callable[[Person], Client]
pytestmark = [pytest.mark.usefixtures("unnudged")]


@pytest.fixture
def owner(teen: Person, as_person: AsPerson) -> Client:
    return as_person(teen)


def read_address(client: Client, turn: Turn) -> str:
    """Return the address of the turn's stream from its page."""
    page = client.get(reverse("chat:conversation", args=[turn.conversation_id])).content.decode()
    found = re.search(r'data-stream="([^"]+)"', page)
    assert found, page
    return unescape(found[1])


@pytest.fixture
def address(owner: Client, turn: Turn) -> str:
    return read_address(owner, turn)


def test_the_owner_opens_it_without_the_database(
    owner: Client, address: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        reply = owner.get(address)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "text/event-stream"
    assert reply.headers["Cache-Control"] == "no-store, no-transform"
    assert "Cookie" in reply.headers["Vary"]


@pytest.mark.parametrize("who", ["parent", "stranger", "admin_person", "teen"])
def test_it_opens_nothing_to_another_session(
    who: str, address: str, as_person: AsPerson, request: pytest.FixtureRequest
) -> None:
    other = as_person(request.getfixturevalue(who))
    assert other.get(address).status_code == 404


def test_it_opens_nothing_to_a_visitor(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("who", ["parent", "stranger", "admin_person"])
def test_without_it_another_person_finds_nothing(
    who: str, turn: Turn, as_person: AsPerson, request: pytest.FixtureRequest
) -> None:
    other = as_person(request.getfixturevalue(who))
    assert other.get(reverse("chat:turn_stream", args=[turn.pk])).status_code == 404


def test_it_opens_no_other_turn(
    owner: Client, teen: Person, stranger: Person, address: str, ask: Ask
) -> None:
    query = urlsplit(address).query
    for other in (ask(teen), ask(stranger)):
        path = reverse("chat:turn_stream", args=[other.pk])
        assert owner.get(f"{path}?{query}").status_code == 404


@pytest.mark.parametrize("token", ["1", "1:a:b", "1:1vQq2x:" + "A" * 43, "%00", "\ud800", "x" * 5_000])
def test_a_forged_one_opens_nothing(
    token: str, owner: Client, turn: Turn, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        reply = owner.get(
            reverse("chat:turn_stream", args=[turn.pk]), {"token": token.encode("utf-8", "replace")}
        )
    assert reply.status_code == 404


def test_one_of_another_person_is_not_made_by_changing_the_id(
    owner: Client, address: str, stranger: Person
) -> None:
    [token] = parse_qs(urlsplit(address).query)["token"]
    forged = address.replace(token.partition(":")[0] + "%3A", f"{stranger.pk}%3A", 1)
    assert forged != address
    assert owner.get(forged).status_code == 404


class TestExpired:
    @pytest.fixture(autouse=True)
    def later(self, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        at = time.time() + tokens.MAX_AGE_SECONDS + 2
        monkeypatch.setattr("django.core.signing.time.time", lambda: at)

    def test_the_session_is_asked(self, owner: Client, address: str) -> None:
        assert owner.get(address).status_code == 200

    def test_a_session_that_has_ended_is_told_so(self, owner: Client, address: str) -> None:
        owner.session.flush()
        assert owner.get(address).status_code == 401

    def test_a_sealed_conversation_is_not_found(
        self, owner: Client, teen: Person, address: str, turn: Turn
    ) -> None:
        Person.objects.filter(pk=teen.pk).update(sealed_before=turn.conversation.started_at)
        assert owner.get(address).status_code == 404


def test_signing_out_ends_it(owner: Client, address: str) -> None:
    owner.post(reverse("accounts:sign_out"))
    assert owner.get(address).status_code == 404
    assert owner.get(address.partition("token=")[0]).status_code == 401


def test_a_new_key_of_the_session_ends_it_as_after_a_new_password(
    owner: Client, address: str, settings: Settings
) -> None:
    session = owner.session
    session.cycle_key()
    owner.cookies[settings.SESSION_COOKIE_NAME] = str(session.session_key)
    assert owner.get(address).status_code == 404
    assert owner.get(address.partition("token=")[0]).status_code == 200


def test_a_deferred_turn_has_none_as_it_may_wait_for_hours(owner: Client, turn: Turn) -> None:
    release_hold(key=turn.hold_key)
    Turn.objects.update(
        state=TurnState.DEFERRED, waits_for=WaitsFor.MODEL, deferred_at=turn.asked_at, try_after=turn.asked_at
    )
    assert "token" not in read_address(owner, turn)


def test_streams_are_counted_by_the_person_that_it_names(
    owner: Client, teen: Person, address: str, settings: Settings
) -> None:
    settings.STREAMS_PER_PERSON = 1
    open_before = reader._open[teen.pk]
    reader._open[teen.pk] = 1
    try:
        assert owner.get(address).status_code == 429
    finally:
        reader._open[teen.pk] = open_before
