"""A turn's event stream for programs, with a real web server, worker, broker and model."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Person
from chat import services
from chat.asking import services as asking
from chat.models import Turn, TurnState
from tests.chat.test_relay import LONG, Event, read_events
from tests.live import SignedInClient, Web, Worker, running, wait_until
from tests.rest.problems import require_problem
from tests.streams import make_live_turns


@pytest.fixture
def web_client(web: Web, teen: Person) -> SignedInClient:
    return SignedInClient(web, teen)


def ask(teen: Person, question: str = LONG) -> Turn:
    return asking.start_turn(person=teen, turn_id=uuid4(), question=question).turn


@contextmanager
def open_stream(web_client: SignedInClient, turn_id: UUID, after: str = "") -> Iterator[Iterator[Event]]:
    headers = {"Last-Event-ID": after} if after else {}
    reply = web_client.get(f"/api/v1/turns/{turn_id}/events", Accept="text/event-stream", **headers)
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    try:
        yield read_events(reply)
    finally:
        reply.close()


def build_answer(events: list[Event]) -> str:
    """Build the answer as a program does: each piece at its position, which replaces what was there."""
    answer = ""
    for event in events:
        if event.name == "text":
            piece = json.loads(event.data)
            answer = answer[: piece["at"]] + piece["text"]
    return answer.strip()


def parse_data(event: Event) -> dict[str, Any]:
    return dict(json.loads(event.data))


def test_the_stream_has_the_answers_text_as_it_is_written_and_ends_with_the_whole_turn(
    worker: Worker, teen: Person, web_client: SignedInClient
) -> None:
    turn = ask(teen)
    with open_stream(web_client, turn.pk) as stream:
        *words, done = list(stream)
    assert len(words) > 10
    assert done.name == "done"
    turn.refresh_from_db()
    ended_turn = parse_data(done)
    assert ended_turn["state"] == "answered"
    assert ended_turn["usage"]["answer_tokens"] == turn.answer_tokens
    assert build_answer(words) == ended_turn["answer"] == turn.answer


def test_a_program_that_reconnects_with_the_last_event_id_gets_each_event_once(
    worker: Worker, teen: Person, web_client: SignedInClient
) -> None:
    turn = ask(teen)
    events: list[Event] = []
    done = False
    while not done:
        after = next((event.id for event in reversed(events) if event.id), "")
        with open_stream(web_client, turn.pk, after) as stream:
            for number, event in enumerate(stream):
                events.append(event)
                done = event.name == "done"
                # Disconnect twice, after four events each. Later the turn may have ended: `done` would have the rest.
                if number == 3 and len(events) < 12:
                    break
    ids = [event.id for event in events if event.id]
    assert len(set(ids)) == len(ids)
    turn.refresh_from_db()
    assert build_answer(events) == turn.answer


def test_an_ended_turn_is_reported_at_once(worker: Worker, teen: Person, web_client: SignedInClient) -> None:
    turn = ask(teen, "What is a noun?")
    wait_until(lambda: not Turn.objects.get(pk=turn.pk).is_live, what="the answer")
    with open_stream(web_client, turn.pk) as stream:
        [done] = list(stream)
    assert done.name == "done"


def test_a_help_card_is_sent_at_once(teen: Person, web_client: SignedInClient) -> None:
    turn = ask(teen, "I want to kill myself")
    with open_stream(web_client, turn.pk) as stream:
        [done] = list(stream)
    assert parse_data(done)["card"]["help_lines"]


def test_stop_ends_the_stream(worker: Worker, teen: Person, web_client: SignedInClient) -> None:
    turn = ask(teen)
    with open_stream(web_client, turn.pk) as stream:
        next(stream)
        services.stop_turn(turn=turn)
        events = list(stream)
    assert parse_data(events[-1])["state"] == "stopped"


def test_a_turn_that_is_deleted_while_it_streams_ends_with_gone(
    worker: Worker, teen: Person, web_client: SignedInClient
) -> None:
    turn = ask(teen)
    with open_stream(web_client, turn.pk) as stream:
        next(stream)
        services.delete_conversation(conversation=turn.conversation)
        assert list(stream)[-1].name == "gone"


def test_a_queued_turn_is_reported_as_queued(teen: Person, web_client: SignedInClient) -> None:
    with patch("chat.turns.queue.nudge_worker"):
        turn = ask(teen)
    with open_stream(web_client, turn.pk) as stream:
        waiting = next(stream)
        assert (waiting.name, parse_data(waiting)) == ("state", {"state": "queued"})
        services.stop_turn(turn=turn)
        assert list(stream)[-1].name == "done"


def test_without_valkey_the_stream_says_to_come_back(
    transactional_db: None, teen: Person, live_logs: Path, settings: Settings
) -> None:
    # The turn is claimed, or a worker shared with other tests would answer it.
    [turn] = make_live_turns(teen, 1)
    settings.VALKEY_URL = "redis://127.0.0.1:1/0"
    with (
        running(Web(live_logs / "without_valkey.log")) as web,
        open_stream(SignedInClient(web, teen), turn.pk) as stream,
    ):
        [last] = list(stream)
    assert last.name == "unavailable"


@pytest.mark.parametrize("who", ["parent", "stranger", "admin_person"])
def test_the_stream_is_not_found_by_anyone_else(
    who: str, teen: Person, as_person: Callable[[Person], Client], request: pytest.FixtureRequest
) -> None:
    turn = ask(teen)
    require_problem(
        as_person(request.getfixturevalue(who)).get(f"/api/v1/turns/{turn.pk}/events"), "not-found", 404
    )


def test_a_visitor_is_asked_to_sign_in(client: Client, teen: Person) -> None:
    turn = ask(teen)
    require_problem(client.get(f"/api/v1/turns/{turn.pk}/events"), "not-signed-in", 401)
    assert Turn.objects.get(pk=turn.pk).state == TurnState.QUEUED
