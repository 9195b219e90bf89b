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
from tests.chat.test_relay import LONG, Event, events
from tests.live import Visitor, Web, Worker, running, wait_until
from tests.rest.problems import require_problem
from tests.streams import make_live_turns


@pytest.fixture
def visitor(web: Web, teen: Person) -> Visitor:
    return Visitor(web, teen)


def ask(teen: Person, question: str = LONG) -> Turn:
    return asking.start_turn(person=teen, turn_id=uuid4(), question=question).turn


@contextmanager
def listening(visitor: Visitor, turn_id: UUID, after: str = "") -> Iterator[Iterator[Event]]:
    headers = {"Last-Event-ID": after} if after else {}
    reply = visitor.get(f"/api/v1/turns/{turn_id}/events", Accept="text/event-stream", **headers)
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    try:
        yield events(reply)
    finally:
        reply.close()


def put_together(events: list[Event]) -> str:
    """Build the answer as a program does: each piece at its position."""
    answer = ""
    for event in events:
        if event.name == "words":
            piece = json.loads(event.data)
            answer = answer[: piece["at"]] + piece["text"]
    return answer.strip()


def read_turn(event: Event) -> dict[str, Any]:
    return dict(json.loads(event.data))


def test_text_arrives_while_it_is_written_and_then_the_complete_turn(
    worker: Worker, teen: Person, visitor: Visitor
) -> None:
    turn = ask(teen)
    with listening(visitor, turn.pk) as coming:
        *words, done = list(coming)
    assert len(words) > 10
    assert done.name == "done"
    turn.refresh_from_db()
    whole = read_turn(done)
    assert whole["state"] == "answered"
    assert whole["usage"]["answer_tokens"] == turn.answer_tokens
    assert put_together(words) == whole["answer"] == turn.answer


def test_a_program_that_comes_back_with_the_last_id_misses_and_repeats_nothing(
    worker: Worker, teen: Person, visitor: Visitor
) -> None:
    turn = ask(teen)
    events: list[Event] = []
    done = False
    while not done:
        after = next((event.id for event in reversed(events) if event.id), "")
        with listening(visitor, turn.pk, after) as coming:
            for number, event in enumerate(coming):
                events.append(event)
                done = event.name == "done"
                # Skip the last line: once a turn has ended, the rest comes with the complete answer.
                if number == 3 and len(events) < 12:
                    break
    ids = [event.id for event in events if event.id]
    assert len(set(ids)) == len(ids)
    turn.refresh_from_db()
    assert put_together(events) == turn.answer


def test_an_ended_turn_is_reported_at_once(worker: Worker, teen: Person, visitor: Visitor) -> None:
    turn = ask(teen, "What is a noun?")
    wait_until(lambda: not Turn.objects.get(pk=turn.pk).is_live, what="the answer")
    with listening(visitor, turn.pk) as coming:
        [done] = list(coming)
    assert done.name == "done"


def test_a_help_card_is_sent_at_once(teen: Person, visitor: Visitor) -> None:
    turn = ask(teen, "I want to kill myself")
    with listening(visitor, turn.pk) as coming:
        [done] = list(coming)
    assert read_turn(done)["card"]["help_lines"]


def test_stop_ends_the_stream(worker: Worker, teen: Person, visitor: Visitor) -> None:
    turn = ask(teen)
    with listening(visitor, turn.pk) as coming:
        next(coming)
        services.stop_turn(turn=turn)
        events = list(coming)
    assert read_turn(events[-1])["state"] == "stopped"


def test_a_turn_that_is_deleted_meanwhile_is_gone(worker: Worker, teen: Person, visitor: Visitor) -> None:
    turn = ask(teen)
    with listening(visitor, turn.pk) as coming:
        next(coming)
        services.delete_conversation(conversation=turn.conversation)
        assert list(coming)[-1].name == "gone"


def test_a_turn_that_waits_says_so(teen: Person, visitor: Visitor) -> None:
    with patch("chat.turns.queue.nudge_worker"):
        turn = ask(teen)
    with listening(visitor, turn.pk) as coming:
        waiting = next(coming)
        assert (waiting.name, read_turn(waiting)) == ("state", {"state": "queued"})
        services.stop_turn(turn=turn)
        assert list(coming)[-1].name == "done"


def test_without_valkey_the_stream_says_to_come_back(
    transactional_db: None, teen: Person, live_logs: Path, settings: Settings
) -> None:
    # The turn is claimed, or a worker shared with other tests would answer it.
    [turn] = make_live_turns(teen, 1)
    settings.VALKEY_URL = "redis://127.0.0.1:1/0"
    with (
        running(Web(live_logs / "without_valkey.log")) as web,
        listening(Visitor(web, teen), turn.pk) as coming,
    ):
        [away] = list(coming)
    assert away.name == "away"


@pytest.mark.parametrize("who", ["parent", "stranger", "admin_person"])
def test_no_one_else_can_follow_it(
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
