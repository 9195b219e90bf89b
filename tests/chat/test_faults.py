"""A real process dies, a nudge is repeated or no page reads. Nothing is lost, left on hold or charged twice."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone
from kombu import Connection
from pytest_django import Settings

from accounts.models import Person
from budgets.models import EntryKind, Hold, HoldState, LedgerEntry
from budgets.selectors import get_meter
from chat import streaming
from chat.answering import leases
from chat.models import EndReason, Turn, TurnState
from chat.streaming import valkey_stream
from config.celery import app
from markup.markdown import render_answer
from tests import live
from tests.budgets.ledger import set_budget
from tests.chat.test_relay import LONG, build_page_text, keep_letters, open_stream

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def own_valkey(logs: Path, settings: Settings) -> Iterator[live.Valkey]:
    """A broker and stream store that this test may kill."""
    with live.running(live.Valkey(logs / "valkey.log")) as valkey:
        previous_url = settings.VALKEY_URL
        settings.VALKEY_URL = valkey.url
        valkey_stream._client.cache_clear()
        yield valkey
        settings.VALKEY_URL = previous_url
        valkey_stream._client.cache_clear()


@pytest.fixture
def own_model(logs: Path, settings: Settings) -> Iterator[live.Model]:
    with live.running(live.Model(logs / "model.log")) as model:
        settings.TUTOR_BASE_URL = model.url
        yield model


@pytest.fixture
def site(logs: Path, own_valkey: live.Valkey, request: pytest.FixtureRequest) -> Iterator[live.Web]:
    """A web server with this test's own broker, and its own model if it has one."""
    if "own_model" in request.fixturenames:
        request.getfixturevalue("own_model")
    with live.running(live.Web(logs / "web.log")) as web:
        yield web


@pytest.fixture
def web_client(site: live.Web, teen: Person) -> live.SignedInClient:
    return live.SignedInClient(site, teen)


def ask(web_client: live.SignedInClient) -> Turn:
    return Turn.objects.get(pk=web_client.ask(LONG))


def retry(web_client: live.SignedInClient, turn: Turn) -> Turn:
    turn_id = uuid4()
    assert web_client.post(f"/tutor/turns/{turn.pk}/retry", turn_id=turn_id).status == 302
    return Turn.objects.get(pk=turn_id)


def reload(turn: Turn) -> Turn:
    return Turn.objects.get(pk=turn.pk)


def count_streamed_tokens(turn: Turn) -> int:
    return (streaming.read_stream(turn.pk) or streaming.StreamedAnswer()).tokens


def has_judged_text(turn: Turn) -> bool:
    return bool((streaming.read_stream(turn.pk) or streaming.StreamedAnswer()).judged_text)


def test_a_worker_killed_in_mid_answer_leaves_no_hold_and_costs_nothing(
    logs: Path, teen: Person, own_valkey: live.Valkey, web_client: live.SignedInClient
) -> None:
    with live.running(live.Worker(logs / "worker.log")) as worker:
        turn = ask(web_client)
        # Only judged text is stored, in whole sentences (ADR 55).
        live.wait_until(
            lambda: count_streamed_tokens(turn) > 40 and has_judged_text(turn), what="some sentences"
        )
        worker.kill()
    streamed_tokens = count_streamed_tokens(turn)
    assert reload(turn).state == TurnState.WORKING
    assert get_meter(owner=teen).held > 0
    leases.sweep_turns(now=timezone.now() + leases.LEASE)
    turn = reload(turn)
    assert (turn.state, turn.end_reason) == (TurnState.FAILED, EndReason.WORKER_LOST)
    assert turn.answer
    meter = get_meter(owner=teen)
    assert (meter.held, meter.spent) == (0, 0)
    assert LedgerEntry.objects.get(kind=EntryKind.ABSORB).tokens > streamed_tokens


def test_a_worker_killed_in_mid_answer_is_noticed_by_beat_and_the_next_worker(
    logs: Path, teen: Person, own_valkey: live.Valkey, web_client: live.SignedInClient
) -> None:
    with live.running(live.Worker(logs / "worker.log")) as worker:
        turn = ask(web_client)
        live.wait_until(lambda: count_streamed_tokens(turn) > 10, what="some words")
        worker.kill()
    with live.running(live.Worker(logs / "second.log")), live.running(live.Beat(logs / "beat.log")):
        live.wait_until(lambda: not reload(turn).is_live, what="the sweeper", seconds=90)
        assert reload(turn).end_reason == EndReason.WORKER_LOST
        assert get_meter(owner=teen).held == 0
        retried = retry(web_client, turn)
        live.wait_until(lambda: not reload(retried).is_live, what="the retry", seconds=90)
    assert reload(retried).state == TurnState.ANSWERED


def test_a_broker_killed_before_the_nudge_delays_the_answer_and_loses_nothing(
    logs: Path, teen: Person, own_valkey: live.Valkey, web_client: live.SignedInClient
) -> None:
    own_valkey.kill()
    turn = ask(web_client)
    assert reload(turn).state == TurnState.QUEUED
    with (
        live.running(live.Valkey(logs / "again.log", own_valkey.port)),
        live.running(live.Worker(logs / "worker.log")),
        live.running(live.Beat(logs / "beat.log")),
    ):
        live.wait_until(lambda: not reload(turn).is_live, what="the answer", seconds=90)
    assert reload(turn).state == TurnState.ANSWERED
    assert get_meter(owner=teen).spent == reload(turn).tokens


def test_a_broker_killed_in_mid_answer_comes_back_empty_and_the_page_gets_the_whole_answer(
    logs: Path, teen: Person, own_valkey: live.Valkey, web_client: live.SignedInClient
) -> None:
    with live.running(live.Worker(logs / "worker.log")):
        turn = ask(web_client)
        with open_stream(web_client, turn.pk) as stream:
            events = [next(stream) for _ in range(5)]
            own_valkey.kill()
            events += list(stream)
        streamed_letters = build_page_text(events)
        with live.running(live.Valkey(logs / "again.log", own_valkey.port)):
            last = [event.id for event in events if event.id][-1]
            while events[-1].name != "done":
                with open_stream(web_client, turn.pk, last) as stream:
                    for event in stream:
                        events.append(event)
                        last = event.id or last
    turn = reload(turn)
    assert turn.state == TurnState.ANSWERED
    answer_letters = keep_letters(render_answer(turn.answer))
    assert streamed_letters
    assert answer_letters.startswith(streamed_letters)
    assert answer_letters in keep_letters(events[-2].data)
    assert get_meter(owner=teen).spent == turn.tokens


def test_a_model_killed_in_mid_answer_fails_the_turn_with_its_reason_and_costs_nothing(
    logs: Path, teen: Person, own_model: live.Model, web_client: live.SignedInClient
) -> None:
    with live.running(live.Worker(logs / "worker.log")):
        turn = ask(web_client)
        live.wait_until(lambda: count_streamed_tokens(turn) > 10, what="some words")
        own_model.kill()
        live.wait_until(lambda: not reload(turn).is_live, what="the turn to end")
        turn = reload(turn)
        assert (turn.state, turn.end_reason) == (TurnState.FAILED, EndReason.MODEL_UNREACHABLE)
        assert turn.answer
        assert get_meter(owner=teen).spent == 0
        with live.running(live.Model(logs / "again.log", own_model.port)):
            retried = retry(web_client, turn)
            live.wait_until(lambda: not reload(retried).is_live, what="the retry", seconds=60)
    assert reload(retried).state == TurnState.ANSWERED


def test_a_model_that_cannot_be_reached_costs_nothing(
    logs: Path, teen: Person, own_model: live.Model, web_client: live.SignedInClient
) -> None:
    own_model.kill()
    with live.running(live.Worker(logs / "worker.log")):
        turn = ask(web_client)
        live.wait_until(lambda: not reload(turn).is_live, what="the turn to end")
    assert reload(turn).end_reason == EndReason.MODEL_UNREACHABLE
    meter = get_meter(owner=teen)
    assert (meter.spent, meter.held) == (0, 0)


def test_the_model_stops_when_no_page_reads(logs: Path, web_client: live.SignedInClient) -> None:
    with live.running(live.Worker(logs / "worker.log")):
        turn = ask(web_client)
        live.wait_until(lambda: count_streamed_tokens(turn) > 5, what="some words")
        # As if the last reader's key had expired.
        valkey_stream._client().delete(f"turn:{turn.pk}:reader")
        live.wait_until(lambda: not reload(turn).is_live, what="the turn to end")
    assert (reload(turn).state, reload(turn).end_reason) == (TurnState.STOPPED, EndReason.UNREAD)
    assert Hold.objects.get().state == HoldState.SETTLED


def test_a_turn_that_is_nudged_three_more_times_is_answered_and_charged_once(
    logs: Path, teen: Person, own_valkey: live.Valkey, web_client: live.SignedInClient
) -> None:
    with live.running(live.Worker(logs / "worker.log")), live.running(live.Worker(logs / "second.log")):
        turn = ask(web_client)
        with Connection(own_valkey.url) as connection:
            for _ in range(3):
                app.send_task("chat.tasks.claim_turns", args=[str(turn.pk)], connection=connection)
        live.wait_until(lambda: not reload(turn).is_live, what="the answer", seconds=90)
    assert reload(turn).claim_count == 1
    assert get_meter(owner=teen).spent == reload(turn).tokens


def test_the_crisis_card_needs_no_worker_broker_model_or_budget(
    logs: Path, teen: Person, own_valkey: live.Valkey, own_model: live.Model, site: live.Web
) -> None:
    set_budget(teen, tokens=0)
    with live.running(live.Worker(logs / "worker.log")) as worker:
        worker.kill()
    own_valkey.kill()
    own_model.kill()
    web_client = live.SignedInClient(site, teen)
    posted = web_client.post("/tutor/ask", turn_id=uuid4(), question="I want to kill myself")
    page = web_client.get((posted.headers["Location"] or "").split("#")[0]).read().decode()
    assert "988" in page
    assert "The tutor is resting" in page
    assert not Hold.objects.exists()
