"""A worker is killed (-9) at each step of a turn. A lock or a frozen service stops it at that step.

test_faults.py kills workers in the middle of an answer. Every turn ends answered, or failed: then the generated tokens
are charged and the rest of its hold is released. It is charged once.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from kombu import Connection

from accounts.models import Person
from budgets.models import EntryKind, Hold, HoldState, LedgerEntry
from budgets.selectors import get_meter
from chat.answering import leases
from chat.answering.leases import CLAIM_LOCK
from chat.models import EndReason, Turn, TurnState
from chat.streaming import valkey_stream
from config.celery import app
from tests import live
from tests.chat.test_faults import (
    ask,
    count_streamed_tokens,
    logs,
    own_model,
    own_valkey,
    reload,
    site,
    web_client,
)
from tests.chat.test_relay import open_stream

__all__ = ["logs", "own_model", "own_valkey", "site", "web_client"]
# This process's sweep must not wake the worker that it shares with other tests.
pytestmark = [
    pytest.mark.faults,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("unnudged"),
]


@contextmanager
def claims_wait() -> Iterator[None]:
    with live.other_connection() as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIM_LOCK])
        yield


@contextmanager
def settling_waits(turn: Turn) -> Iterator[None]:
    with live.other_connection() as other:
        other.execute("SELECT FROM budgets_hold WHERE key = %s FOR UPDATE", [turn.pk])
        yield


def sweep_until_done() -> None:
    """Sweep as beat does after the dead worker's lease ends. Repeats, because a sweep skips locked rows.

    The worker's last statement may reach the database after the connection looked idle.
    """
    for _ in range(200):
        leases.sweep_turns(now=timezone.now() + leases.LEASE)
        if not Turn.objects.filter(state=TurnState.WORKING).exists():
            return
        time.sleep(0.1)


def database_let_go() -> None:
    """Commands that a worker sent before it was killed are still carried out."""
    live.wait_until(is_database_idle, what="the database to let go of the dead worker")


def is_database_idle() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = %s AND state <> 'idle')",
            [live.NAME],
        )
        return bool(cursor.fetchone() == (True,))


def nudge_worker(valkey: live.Valkey, *turns: Turn) -> None:
    with Connection(valkey.url) as line:
        for turn in turns:
            app.send_task("chat.tasks.claim_turns", args=[str(turn.pk)], connection=line)


def is_every_nudge_handled() -> bool:
    """Return whether the worker has handled every nudge."""
    return not valkey_stream._client().exists("celery", "unacked")


def answered_by_another(turn: Turn, valkey: live.Valkey, log: Path) -> Turn:
    with live.running(live.Worker(log)):
        nudge_worker(valkey, turn)
        live.wait_until(lambda: not reload(turn).is_live, what="the answer", seconds=90)
    return reload(turn)


def assert_paid_once(person: Person, turn: Turn) -> None:
    meter = get_meter(owner=person)
    assert (meter.held, meter.spent) == (0, turn.tokens)
    assert LedgerEntry.objects.filter(hold=turn.pk, kind=EntryKind.SETTLE).count() == 1
    assert Hold.objects.get(pk=turn.pk).state == HoldState.SETTLED


def assert_free(person: Person, turn: Turn, *, made: int) -> None:
    """The person pays nothing, and the site pays for what was generated."""
    meter = get_meter(owner=person)
    assert (meter.held, meter.spent, turn.tokens) == (0, 0, 0)
    assert LedgerEntry.objects.get(hold=turn.pk, kind=EntryKind.ABSORB).tokens > made > 0


def test_before_it_has_claimed_the_turn(
    logs: Path, teen: Person, own_valkey: live.Valkey, web_client: live.SignedInClient
) -> None:
    with claims_wait(), live.running(live.Worker(logs / "worker.log")) as worker:
        turn = ask(web_client)
        live.wait_until(live.waits_for_a_lock, what="the worker at the claim")
        worker.kill()
    assert (reload(turn).state, reload(turn).claim_count) == (TurnState.QUEUED, 0)
    ended = answered_by_another(turn, own_valkey, logs / "second.log")
    assert (ended.state, ended.claim_count) == (TurnState.ANSWERED, 1)
    assert_paid_once(teen, ended)


def test_after_the_claim_and_before_the_models_first_word(
    logs: Path, teen: Person, own_model: live.Model, own_valkey: live.Valkey, web_client: live.SignedInClient
) -> None:
    with own_model.frozen(), live.running(live.Worker(logs / "worker.log")) as worker:
        turn = ask(web_client)
        live.wait_until(lambda: reload(turn).state == TurnState.WORKING, what="the claim")
        worker.kill()
    database_let_go()
    sweep_until_done()
    assert reload(turn).state == TurnState.QUEUED
    ended = answered_by_another(turn, own_valkey, logs / "second.log")
    assert (ended.state, ended.claim_count) == (TurnState.ANSWERED, 2)
    assert_paid_once(teen, ended)


def test_when_the_answer_is_whole_and_is_being_written_down(
    logs: Path, teen: Person, own_valkey: live.Valkey, web_client: live.SignedInClient
) -> None:
    with live.running(live.Worker(logs / "worker.log")) as worker:
        turn = ask(web_client)
        live.wait_until(lambda: count_streamed_tokens(turn) > 0, what="a word")
        with settling_waits(turn):
            live.wait_until(live.waits_for_a_lock, what="the worker at the settling", seconds=90)
            made = count_streamed_tokens(turn)
            worker.kill()
    database_let_go()
    assert reload(turn).state == TurnState.WORKING
    assert Hold.objects.get(pk=turn.pk).state == HoldState.HELD
    sweep_until_done()
    ended = reload(turn)
    assert (ended.state, ended.end_reason) == (TurnState.FAILED, EndReason.WORKER_LOST)
    assert_free(teen, ended, made=made)


def test_after_the_commit_and_before_readers_are_notified(
    logs: Path, teen: Person, own_valkey: live.Valkey, web_client: live.SignedInClient
) -> None:
    with live.running(live.Worker(logs / "worker.log")) as worker:
        turn = ask(web_client)
        live.wait_until(lambda: count_streamed_tokens(turn) > 0, what="a word")
        with open_stream(web_client, turn.pk) as stream:
            with settling_waits(turn):
                live.wait_until(live.waits_for_a_lock, what="the worker at the settling", seconds=90)
                freeze = own_valkey.frozen()
                freeze.__enter__()
            live.wait_until(lambda: not reload(turn).is_live, what="the commit")
            worker.kill()
            freeze.__exit__(None, None, None)
            # The stream has no end entry. The next check of the database finds the end.
            names = [event.name for event in stream]
    ended = reload(turn)
    assert ended.state == TurnState.ANSWERED
    assert_paid_once(teen, ended)
    sweep_until_done()
    assert reload(turn) == ended
    if names[-1] != "done":
        with open_stream(web_client, turn.pk) as again:
            names = [event.name for event in again]
    assert names[-1] == "done"


def test_a_nudge_that_comes_late_finds_nothing_to_do(
    logs: Path, teen: Person, own_valkey: live.Valkey, web_client: live.SignedInClient
) -> None:
    with live.running(live.Worker(logs / "worker.log")):
        turns = []
        for _ in range(2):
            turns.append(ask(web_client))
            live.wait_until(lambda: not reload(turns[-1]).is_live, what="the answer", seconds=90)
        # Nudges arrive late, twice, and in a different order.
        nudge_worker(own_valkey, turns[1], turns[0], turns[1])
        live.wait_until(is_every_nudge_handled, what="the late nudges")
    assert [reload(turn).claim_count for turn in turns] == [1, 1]
    assert get_meter(owner=teen).spent == sum(reload(turn).tokens for turn in turns)
