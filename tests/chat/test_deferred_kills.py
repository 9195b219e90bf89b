"""Deferred turns whose model server is killed, and workers that die while they release them."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from accounts.models import Person
from budgets.audit import find_ledger_differences
from budgets.selectors import get_meter
from chat.asking.deferred import release_deferred
from chat.models import ModelOutage, Turn, TurnState
from chat.turns.outages import find_outage
from routing.registry import list_models
from tests import live
from tests.chat.test_faults import logs, own_model, own_valkey, reload, site, web_client
from tests.chat.test_kills import (
    answered_by_another,
    assert_paid_once,
    database_let_go,
    nudge_worker,
    sweep_until_done,
)
from tests.conftest import with_consent

__all__ = ["logs", "own_model", "own_valkey", "site", "web_client"]
# This process's sweep must not wake the worker that it shares with other tests.
pytestmark = [
    pytest.mark.faults,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("unnudged"),
]


def keep(web_client: live.SignedInClient, question: str = "Why is the sky blue?") -> Turn:
    turn_id = uuid4()
    assert web_client.post("/tutor/ask", turn_id=turn_id, question=question, when="back").status == 302
    return Turn.objects.get(pk=turn_id)


def test_deferred_turns_survive_model_and_broker_and_two_workers_answer_each_once(
    logs: Path,
    own_model: live.Model,
    own_valkey: live.Valkey,
    site: live.Web,
    teen: Person,
    make_person: Callable[..., Person],
    outage: ModelOutage,
) -> None:
    own_model.kill()
    people = [teen, with_consent(make_person("other"))]
    turns = [keep(live.SignedInClient(site, person)) for person in people]
    own_valkey.kill()
    with (
        live.running(live.Valkey(logs / "valkey-2.log", own_valkey.port)),
        live.running(live.Worker(logs / "worker.log")) as worker,
        live.running(live.Worker(logs / "second.log")),
        live.running(live.Beat(logs / "beat.log")),
    ):
        known = ModelOutage.objects.get().failed_probes
        live.wait_until(lambda: ModelOutage.objects.get().failed_probes > known, what="a check that fails")
        assert [reload(turn).state for turn in turns] == [TurnState.DEFERRED, TurnState.DEFERRED], (
            worker.read_log()
        )
        with live.running(live.Model(logs / "model-2.log", own_model.port)):
            live.wait_until(lambda: all(not reload(turn).is_live for turn in turns), what="the answers")
            live.wait_until(lambda: find_outage(list_models()) is None, what="the end of the outage")
    for person, turn in zip(people, turns, strict=True):
        ended = reload(turn)
        assert (ended.state, ended.claim_count) == (TurnState.ANSWERED, 1)
        assert get_meter(owner=person).held == 0
        assert get_meter(owner=person).spent == ended.tokens > 0
    assert not [*find_ledger_differences()]


def test_a_worker_that_dies_while_releasing_leaves_them_to_another(
    logs: Path,
    teen: Person,
    own_model: live.Model,
    own_valkey: live.Valkey,
    web_client: live.SignedInClient,
    outage: ModelOutage,
) -> None:
    turn = keep(web_client)
    with own_model.frozen(), live.running(live.Worker(logs / "worker.log")) as worker:
        assert release_deferred(limit=1) == 1
        nudge_worker(own_valkey, turn)
        live.wait_until(lambda: reload(turn).state == TurnState.WORKING, what="the claim")
        worker.kill()
    database_let_go()
    sweep_until_done()
    assert reload(turn).state == TurnState.QUEUED
    ended = answered_by_another(turn, own_valkey, logs / "second.log")
    assert (ended.state, ended.claim_count) == (TurnState.ANSWERED, 2)
    assert_paid_once(teen, ended)
