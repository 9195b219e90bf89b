"""The quick exit: another site at once, and Back shows a neutral page until the person says they are back."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Person
from chat.models import Conversation
from safeguarding.models import WeeklyCount

AsPerson = Callable[[Person], Client]
OTHER_SITE = "https://www.wikipedia.org/"


def test_leads_to_another_site_without_a_database(client: Client) -> None:
    # Without a database fixture, pytest-django refuses every query.
    client.cookies["sessionid"] = "x" * 32
    reply = client.get("/help/leave")
    assert (reply.status_code, reply.headers["Location"]) == (302, OTHER_SITE)
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert client.post("/help/leave").status_code == 405


def test_a_prefetch_does_not_leave(client: Client) -> None:
    reply = client.get("/help/leave", headers={"Sec-Purpose": "prefetch"})
    assert not reply.cookies


def test_the_cookie_ends_with_the_browsers_session_and_can_be_set_by_the_page(client: Client) -> None:
    cookie = client.get("/help/leave").cookies["away"]
    assert cookie["max-age"] == cookie["expires"] == cookie["httponly"] == ""
    assert cookie["samesite"] == "Lax"


@pytest.fixture
def away(teen: Person, as_person: AsPerson) -> Client:
    client = as_person(teen)
    client.get("/help/leave")
    return client


def test_conversations_lead_to_a_neutral_page(away: Client, teen: Person) -> None:
    conversation = Conversation.objects.create(owner=teen, title="A conversation")
    for path in ("/tutor/", "/tutor/conversations", f"/tutor/{conversation.pk}", "/help/mine"):
        reply = away.get(path)
        assert (reply.status_code, reply.headers["Location"]) == (302, "/learn/")
        assert reply.headers["Cache-Control"] == "no-store"


def test_a_part_that_htmx_asks_for_leads_there_too(away: Client) -> None:
    reply = away.get("/tutor/", headers={"HX-Request": "true"})
    assert reply.headers["HX-Redirect"] == "/learn/"


@pytest.mark.parametrize("path", ["/help/now", "/help/protocol", "/", "/learn/"])
def test_help_and_lessons_stay_open(path: str, away: Client) -> None:
    assert away.get(path).status_code == 200


def test_a_cry_for_help_is_still_judged(away: Client) -> None:
    reply = away.post("/tutor/ask", {"question": "i want to kill myself"})
    assert reply.status_code == 302
    assert WeeklyCount.objects.filter(kind="card").exists()


def test_the_way_back_is_on_neutral_pages_and_nowhere_else(
    away: Client, teen: Person, as_person: AsPerson
) -> None:
    assert "I’m back" in away.get("/learn/").content.decode()
    assert "I’m back" not in as_person(teen).get("/learn/").content.decode()


def test_saying_so_brings_everything_back(away: Client) -> None:
    reply = away.post("/help/back")
    assert (reply.status_code, reply.headers["Location"]) == (302, "/tutor/")
    assert away.get("/tutor/").status_code == 200


def test_a_visitor_comes_back_to_the_home_page(client: Client, db: None) -> None:
    client.get("/help/leave")
    assert client.post("/help/back").headers["Location"] == "/"


def test_signing_in_is_coming_back(teen: Person, client: Client) -> None:
    client.get("/help/leave")
    client.post("/sign-in", {"username": teen.username, "password": "a-long-password"})
    assert client.get("/tutor/").status_code == 200


def test_signing_out_leaves_nothing_for_the_next_person(away: Client) -> None:
    away.post("/sign-out")
    assert "I’m back" not in away.get("/learn/").content.decode()
