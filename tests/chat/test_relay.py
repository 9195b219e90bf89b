"""A turn's events as a browser gets them, with a real web server, worker, broker and model."""

import asyncio
import http.client
import re
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from accounts.models import Person
from budgets.selectors import get_meter
from chat import services, streaming
from chat.api import events as events_api
from chat.asking import services as asking
from chat.models import EndReason, Turn, TurnState
from chat.streaming.reader import KEEPALIVE, TurnReader
from chat.web import relay
from tests.live import SignedInClient, Web, Worker, wait_until

LONG = "Tell me a long story about rain, rivers and the sea."


@dataclass
class Event:
    id: str = ""
    name: str = ""
    data: str = ""


def read_events(reply: http.client.HTTPResponse) -> Iterator[Event]:
    event = Event()
    for raw in iter(reply.readline, b""):
        field, _, value = raw.decode().rstrip("\n").partition(": ")
        match field:
            case "id":
                event.id = value
            case "event":
                event.name = value
            case "data":
                event.data += value + "\n"
            case "" if not value and (event.data or event.name):
                yield event
                event = Event()


@contextmanager
def open_stream(web_client: SignedInClient, turn_id: UUID, after: str = "") -> Iterator[Iterator[Event]]:
    headers = {"Last-Event-ID": after} if after else {}
    reply = web_client.get(reverse("chat:turn_stream", args=[turn_id]), **headers)
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    try:
        yield read_events(reply)
    finally:
        reply.close()


@pytest.fixture
def web_client(web: Web, teen: Person) -> SignedInClient:
    return SignedInClient(web, teen)


def build_page_text(events: list[Event]) -> str:
    """Return the text on a page after it has applied these events in order."""
    finished, growing = "", ""
    for event in events:
        for target, how, html in re.findall(
            r'<hx-partial hx-target="#turn-[^"]+-(finished|growing)" hx-swap="(\w+)">(.*?)</hx-partial>',
            event.data,
            re.DOTALL,
        ):
            if target == "growing":
                growing = html
            else:
                finished = finished + html if how == "beforeend" else html
    return keep_letters(finished + growing)


def keep_letters(html: str) -> str:
    return re.sub(r"[\W_\d]+", "", unescape(re.sub("<[^>]+>", " ", html)))


def ask(teen: Person, question: str = LONG) -> Turn:
    return asking.start_turn(person=teen, turn_id=uuid4(), question=question).turn


type Events = AsyncGenerator[bytes | Turn]


def _relay_to_page(person: Person, events: Events) -> AsyncGenerator[bytes]:
    return relay._relay(HttpRequest(), TurnReader.from_person(person), uuid4(), events)


def _stream_to_program(person: Person, events: Events) -> AsyncGenerator[bytes]:
    return events_api._stream_events(uuid4(), events, {})


def test_the_stream_has_the_answers_text_as_it_is_written_and_ends_with_the_whole_turn(
    worker: Worker, teen: Person, web_client: SignedInClient
) -> None:
    turn = ask(teen)
    with open_stream(web_client, turn.pk) as stream:
        events = list(stream)
    turn.refresh_from_db()
    assert turn.state == TurnState.ANSWERED
    *words, whole, done = events
    assert len(words) > 10
    assert done.name == "done"
    assert "answer-foot" in whole.data
    assert build_page_text(words) == keep_letters(_rendered(turn))
    assert len({event.id for event in words}) == len(words)


def test_if_it_became_a_card_the_page_shows_that_the_tutor_rests(
    teen: Person, web_client: SignedInClient
) -> None:
    # As a remote guard may find while the answer is being written.
    turn = ask(teen, "I want to kill myself")
    with open_stream(web_client, turn.pk) as stream:
        whole, done = list(stream)
    assert done.name == "done"
    assert "The tutor is resting" in whole.data
    assert "Write here if you need help" in whole.data


def test_a_reader_who_reconnects_with_the_last_event_id_gets_each_event_once(
    worker: Worker, teen: Person, web_client: SignedInClient
) -> None:
    turn = ask(teen)
    events: list[Event] = []
    done = False
    while not done:
        after = events[-1].id if events else ""
        with open_stream(web_client, turn.pk, after) as stream:
            for number, event in enumerate(stream):
                done = event.name == "done"
                if event.id:
                    events.append(event)
                # Disconnect twice, after four events each. Later the turn may have ended: `done` would have the rest.
                if number == 3 and len(events) < 12:
                    break
    assert len({event.id for event in events}) == len(events)
    turn.refresh_from_db()
    assert build_page_text(events) == keep_letters(_rendered(turn))


def test_a_disconnect_alone_ends_nothing(worker: Worker, teen: Person, web_client: SignedInClient) -> None:
    turn = ask(teen)
    with open_stream(web_client, turn.pk) as stream:
        next(stream)
    wait_until(lambda: not Turn.objects.get(pk=turn.pk).is_live, what="the answer", seconds=90)
    assert Turn.objects.get(pk=turn.pk).state == TurnState.ANSWERED


def test_two_pages_read_the_same_words(worker: Worker, teen: Person, web_client: SignedInClient) -> None:
    turn = ask(teen)
    with open_stream(web_client, turn.pk) as first:
        early = [next(first) for _ in range(3)]
        with open_stream(web_client, turn.pk) as second:
            late = list(second)
        early += list(first)
    # The later reader gets in one event what the earlier one got in several.
    assert len(late) <= len(early)
    assert (
        build_page_text(early[:-2])
        == build_page_text(late[:-2])
        == keep_letters(_rendered(Turn.objects.get(pk=turn.pk)))
    )


def test_a_turn_that_has_ended_is_sent_whole_at_once(
    worker: Worker, teen: Person, web_client: SignedInClient
) -> None:
    turn = ask(teen, "What is a noun?")
    wait_until(lambda: not Turn.objects.get(pk=turn.pk).is_live, what="the answer")
    with open_stream(web_client, turn.pk) as stream:
        whole, done = list(stream)
    assert "answer-foot" in whole.data
    assert done.name == "done"


def test_a_page_loaded_in_mid_answer_continues_from_what_it_shows(
    worker: Worker, teen: Person, web_client: SignedInClient, as_person: Callable[[Person], Client]
) -> None:
    turn = ask(teen)
    wait_until(
        lambda: (streaming.read_stream(turn.pk) or streaming.StreamedAnswer()).tokens > 30, what="some words"
    )
    page = as_person(teen).get(reverse("chat:conversation", args=[turn.conversation_id])).content.decode()
    shown = {
        part: re.search(rf'id="turn-{turn.pk}-{part}"\s*>(.*?)</div>', page, re.DOTALL)
        for part in ("finished", "growing")
    }
    after = re.search(r"\?after=([\d-]+)", page)
    assert after
    assert all(shown.values())
    drawn = "".join(
        f'<hx-partial hx-target="#turn-x-{part}" hx-swap="innerHTML">{match.group(1)}</hx-partial>'
        for part, match in shown.items()
        if match
    )
    with open_stream(web_client, turn.pk, after.group(1)) as stream:
        rest = list(stream)
    turn.refresh_from_db()
    assert build_page_text([Event(data=drawn), *rest]) == keep_letters(_rendered(turn))


def test_stop_ends_the_stream_and_the_model_within_a_moment(
    worker: Worker, teen: Person, web_client: SignedInClient
) -> None:
    turn = ask(teen)
    with open_stream(web_client, turn.pk) as stream:
        next(stream)
        services.stop_turn(turn=turn)
        stopped = time.monotonic()
        events = list(stream)
    assert time.monotonic() - stopped < 3
    assert "You stopped the answer here." in events[-2].data
    turn.refresh_from_db()
    assert (turn.state, turn.end_reason) == (TurnState.STOPPED, EndReason.STOPPED_BY_ASKER)
    assert get_meter(owner=teen).spent == turn.tokens


def test_a_conversation_deleted_in_mid_answer_stops_the_model(
    worker: Worker, teen: Person, web_client: SignedInClient
) -> None:
    turn = ask(teen)
    with open_stream(web_client, turn.pk) as stream:
        next(stream)
        services.delete_conversation(conversation=turn.conversation)
        assert list(stream)[-1].name == "done"
    wait_until(lambda: get_meter(owner=teen).held == 0, what="the hold to be settled")
    assert 0 < get_meter(owner=teen).spent < 400


@pytest.mark.parametrize(
    "fault", [streaming.StreamUnavailable(), DatabaseError("away"), ValueError("a fault of our own")]
)
@pytest.mark.parametrize("open_events", [_relay_to_page, _stream_to_program])
def test_a_stream_that_fails_ends_with_an_event_that_tells_readers_to_reconnect(
    fault: Exception,
    open_events: Callable[[Person, Events], AsyncGenerator[bytes]],
    teen: Person,
) -> None:
    async def write_and_fail() -> Events:
        yield KEEPALIVE
        raise fault

    async def collect() -> list[bytes]:
        return [event async for event in open_events(teen, write_and_fail())]

    first, *_others, last = asyncio.run(collect())
    assert first == KEEPALIVE
    assert last.startswith((b"event: again\n", b"event: unavailable\n"))


def _rendered(turn: Turn) -> str:
    from markup.markdown import render_answer

    return render_answer(turn.answer)
