"""A program asks and gets the answer on the same request, from a real web server and broker."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Person
from budgets.selectors import get_meter
from chat import services, streaming
from chat.models import Conversation, Turn, TurnState
from chat.streaming import reader
from tests.chat.test_api_events import build_answer, parse_data
from tests.chat.test_relay import Event, read_events
from tests.live import SignedInClient, Web, running
from tests.rest.problems import TURNS, require_problem
from tests.streams import claim_and_write, finish, write_texts

QUESTION = "Why does it rain?"
CRY = "I want to kill myself"
TEXTS = "Water rises. ", "It cools. ", "It falls."

pytestmark = [pytest.mark.usefixtures("no_worker")]


@pytest.fixture
def web_client(web: Web, teen: Person) -> SignedInClient:
    return SignedInClient(web, teen)


def send(
    web_client: SignedInClient, question: str = QUESTION, key: UUID | None = None, after: str = ""
) -> HTTPResponse:
    headers = {"Accept": "text/event-stream", "Idempotency-Key": str(key or uuid4())}
    return web_client.post_json(
        TURNS, {"question": question}, **headers | ({"Last-Event-ID": after} if after else {})
    )


@contextmanager
def asked(web_client: SignedInClient, question: str = QUESTION, **more: Any) -> Iterator[Iterator[Event]]:
    reply = send(web_client, question, **more)
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    assert reply.headers["Cache-Control"] == "no-store, no-transform"
    try:
        yield read_events(reply)
    finally:
        reply.close()


def next_named(events: Iterator[Event], name: str) -> dict[str, Any]:
    """Return the data of the next event of this name."""
    return parse_data(next(event for event in events if event.name == name))


def read_turn(web_client: SignedInClient, turn_id: object) -> dict[str, Any]:
    return dict(json.loads(web_client.get(f"{TURNS}/{turn_id}").read()))


def test_the_turn_comes_first_then_its_words_and_then_the_whole_turn(web_client: SignedInClient) -> None:
    key = uuid4()
    with asked(web_client, key=key) as events:
        first = next(events)
        assert (first.name, first.id) == ("turn", "")
        assert parse_data(first) == read_turn(web_client, key)
        finish(claim_and_write(*TEXTS), "".join(TEXTS))
        *words, done = [event for event in events if event.name != "state"]
    assert {event.name for event in words} == {"text"}
    assert build_answer(words) == "".join(TEXTS)
    assert done.name == "done"
    assert parse_data(done) == read_turn(web_client, key)
    assert parse_data(done)["answer"] == "".join(TEXTS)


def test_a_new_turn_is_created_and_has_an_address(web_client: SignedInClient) -> None:
    key = uuid4()
    replies = [send(web_client, key=key), send(web_client, key=key)]
    assert [reply.status for reply in replies] == [201, 200]
    assert {reply.headers["Location"] for reply in replies} == {f"{TURNS}/{key}"}
    for reply in replies:
        reply.close()


def test_the_same_key_continues_after_the_last_event(web_client: SignedInClient) -> None:
    key = uuid4()
    with asked(web_client, key=key) as events:
        next(events)
        turn = claim_and_write(*TEXTS)
        begun = [next(events), next(events)]
    with asked(web_client, key=key, after=begun[-1].id) as events:
        assert next(events).name == "turn"
        finish(turn, "".join(TEXTS))
        rest = list(events)
    words = [event for event in [*begun, *rest] if event.name == "text"]
    assert len({event.id for event in words}) == len(words)
    assert build_answer(words) == "".join(TEXTS)
    assert rest[-1].name == "done"
    assert Turn.objects.count() == 1


def test_the_same_key_of_an_ended_turn_has_its_end_at_once(web_client: SignedInClient) -> None:
    key = uuid4()
    with asked(web_client, key=key) as events:
        next(events)
        finish(claim_and_write(*TEXTS), "".join(TEXTS))
    with asked(web_client, key=key) as events:
        first, done = list(events)
    assert (first.name, done.name) == ("turn", "done")
    assert parse_data(first) == parse_data(done) == read_turn(web_client, key)


def test_a_card_is_the_turn_and_its_end(web_client: SignedInClient) -> None:
    with asked(web_client, CRY) as events:
        first, done = list(events)
    assert (first.name, done.name) == ("turn", "done")
    assert parse_data(first)["card"]["help_lines"]
    assert parse_data(first) == parse_data(done)


def test_stop_ends_it_with_the_stopped_turn(web_client: SignedInClient) -> None:
    with asked(web_client) as events:
        next(events)
        services.stop_turn(turn=Turn.objects.get())
        assert next_named(events, "done")["state"] == "stopped"


def test_a_deleted_turn_ends_it_with_gone(web_client: SignedInClient) -> None:
    with asked(web_client) as events:
        next(events)
        claim_and_write(*TEXTS)
        assert next(events).name == "text"
        services.delete_conversation(conversation=Conversation.objects.get())
        assert list(events)[-1].name == "gone"


def test_a_client_that_hangs_up_stops_nothing(web_client: SignedInClient, teen: Person) -> None:
    with asked(web_client) as events:
        next(events)
        turn = claim_and_write(TEXTS[0])
        assert next(events).name == "text"
    write_texts(turn.pk, *TEXTS)
    finish(turn, "".join(TEXTS))
    turn.refresh_from_db()
    assert (turn.state, turn.answer) == (TurnState.ANSWERED, "".join(TEXTS))
    assert get_meter(owner=teen).held == 0


def test_without_valkey_the_turn_comes_and_the_program_is_told_to_come_back(
    transactional_db: None, teen: Person, live_logs: Path, settings: Settings
) -> None:
    settings.VALKEY_URL = "redis://127.0.0.1:1/0"
    with (
        running(Web(live_logs / "asked_without_valkey.log")) as web,
        asked(SignedInClient(web, teen)) as events,
    ):
        first, last = list(events)
    assert (first.name, last.name) == ("turn", "unavailable")
    assert Turn.objects.get().state == TurnState.QUEUED


def test_an_end_that_nobody_committed_ends_nothing(web_client: SignedInClient) -> None:
    with asked(web_client) as events:
        next(events)
        turn = claim_and_write(TEXTS[0])
        streaming.end_stream(turn.pk)
        assert next_named(events, "state") == {"state": "working"}
        finish(turn, TEXTS[0].strip())
        assert next_named(events, "done")["answer"] == TEXTS[0].strip()


@pytest.mark.parametrize("accept", ["application/json", "*/*", "application/json, text/event-stream"])
def test_a_program_that_takes_json_gets_json(accept: str, web_client: SignedInClient) -> None:
    reply = web_client.post_json(
        TURNS, {"question": QUESTION}, **{"Accept": accept, "Idempotency-Key": str(uuid4())}
    )
    assert (reply.status, reply.headers["Content-Type"]) == (201, "application/json")
    assert json.loads(reply.read())["state"] == "queued"


class TestLimits:
    @pytest.fixture
    def full_visitor(self, transactional_db: None, teen: Person, live_logs: Path) -> Iterator[SignedInClient]:
        """A teen who has as many open streams as allowed."""
        with running(Web(live_logs / "one_stream.log", STREAMS_PER_PERSON="1")) as web:
            web_client = SignedInClient(web, teen)
            with asked(web_client) as events:
                next(events)
                yield web_client

    def test_a_question_without_a_free_stream_is_not_asked(
        self, full_visitor: SignedInClient, teen: Person
    ) -> None:
        held = get_meter(owner=teen).held
        reply = send(full_visitor, "And the sea?")
        assert reply.status == 429
        assert reply.headers["Content-Type"] == "application/problem+json"
        assert reply.headers["Retry-After"] == str(reader.SLOT_RETRY_SECONDS)
        assert Turn.objects.count() == 1
        assert get_meter(owner=teen).held == held

    def test_a_cry_for_help_needs_no_free_stream(self, full_visitor: SignedInClient) -> None:
        with asked(full_visitor, CRY) as events:
            assert parse_data(next(events))["card"]


class TestProblems:
    """They are JSON, whatever the program accepts, and nothing is asked."""

    def ask(self, client: Client, question: str = QUESTION, key: object = None, **fields: object) -> Any:
        return client.post(
            TURNS,
            {"question": question} | fields,
            content_type="application/json",
            headers={"Accept": "text/event-stream", "Idempotency-Key": str(key or uuid4())},
        )

    def test_an_empty_question(self, teen: Person, as_person: Callable[[Person], Client]) -> None:
        require_problem(self.ask(as_person(teen), " "), "question-empty", 422)

    def test_a_lone_surrogate(self, teen: Person, as_person: Callable[[Person], Client]) -> None:
        require_problem(self.ask(as_person(teen), personal="\ud800"), "invalid", 400)

    def test_a_visitor(self, client: Client, db: None) -> None:
        require_problem(self.ask(client), "not-signed-in", 401)
        assert self.ask(client, CRY).json()["card"]
        assert not Turn.objects.exists()

    @pytest.mark.parametrize("who", ["parent", "stranger", "admin_person"])
    def test_another_persons_turn_and_conversation(
        self, who: str, turn: Turn, as_person: Callable[[Person], Client], request: pytest.FixtureRequest
    ) -> None:
        client = as_person(request.getfixturevalue(who))
        require_problem(self.ask(client, turn.question, key=turn.pk), "key-taken", 409)
        require_problem(self.ask(client, conversation=str(turn.conversation_id)), "not-found", 404)
        assert Turn.objects.count() == 1
