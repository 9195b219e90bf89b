"""A worker writes as many answers as it may, and finishes them when it closes."""

import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import DatabaseError
from pytest_django import Settings

from accounts.models import Person
from budgets.selectors import get_meter
from chat.answering.leases import finish_turn
from chat.answering.worker import TurnWorker
from chat.models import EndReason, Turn, TurnState
from chat.prompt import build_prompt
from tests.chat.conftest import Ask
from tests.conftest import with_consent
from tests.live import wait_until

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _short(settings: Settings, unnudged: None) -> None:
    settings.TUTOR_ANSWER_TOKENS = 20


@pytest.fixture
def turns(make_person: Callable[..., Person], ask: Ask) -> list[Turn]:
    return [ask(with_consent(make_person(f"teen-{number}"))) for number in range(3)]


@pytest.fixture
def worker() -> Iterator[TurnWorker]:
    made = TurnWorker(max_answers=2)
    yield made
    made.close()


def list_states() -> list[str]:
    return sorted(Turn.objects.values_list("state", flat=True))


def test_one_nudge_is_enough_for_all_that_wait(worker: TurnWorker, turns: list[Turn]) -> None:
    worker.claim_next()
    assert list_states() == [TurnState.QUEUED, TurnState.WORKING, TurnState.WORKING]
    wait_until(lambda: list_states() == [TurnState.ANSWERED] * 3, what="the answers")
    for turn in Turn.objects.all():
        assert get_meter(owner=turn.conversation.owner).spent == turn.tokens > 0


def test_many_nudges_at_once_answer_each_turn_once(worker: TurnWorker, turns: list[Turn]) -> None:
    nudges = [threading.Thread(target=worker._run_in_thread, args=[worker.claim_next]) for _ in range(8)]
    for nudge in nudges:
        nudge.start()
    for nudge in nudges:
        nudge.join()
    wait_until(lambda: list_states() == [TurnState.ANSWERED] * 3, what="the answers")
    assert set(Turn.objects.values_list("claim_count", flat=True)) == {1}


def test_closing_finishes_its_answers_and_claims_nothing_more(worker: TurnWorker, turns: list[Turn]) -> None:
    worker.claim_next()
    worker.close()
    wait_until(lambda: not worker.answers, what="the desk to be empty")
    assert list_states() == [TurnState.ANSWERED, TurnState.ANSWERED, TurnState.QUEUED]


def test_a_stop_request_in_the_row_is_enough(
    worker: TurnWorker, turns: list[Turn], settings: Settings
) -> None:
    """Valkey may have lost the flag."""
    Turn.objects.update(max_answer_tokens=400)
    worker.claim_next()
    Turn.objects.filter(state=TurnState.WORKING).update(stop_requested_at="2026-01-01T00:00Z")
    wait_until(lambda: TurnState.STOPPED in list_states(), what="the stop")
    assert Turn.objects.filter(state=TurnState.STOPPED, end_reason=EndReason.STOPPED_BY_ASKER).exists()


def test_a_short_database_outage_loses_no_answer(
    worker: TurnWorker, turns: list[Turn], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refused = finish_turn, list[object]()

    def away_at_first(**about: object) -> bool:
        if len(refused) < 3:
            refused.append(about)
            raise DatabaseError
        return real(**about)  # type: ignore[arg-type]

    monkeypatch.setattr("chat.answering.worker.finish_turn", away_at_first)
    worker.claim_next()
    wait_until(lambda: list_states() == [TurnState.ANSWERED] * 3, what="the answers")
    assert len(refused) == 3


def test_a_turn_that_cannot_start_blocks_no_other(
    worker: TurnWorker, turns: list[Turn], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(question: str, **about: object) -> object:
        if question == "Break":
            raise LookupError
        return build_prompt(question, **about)  # type: ignore[arg-type]

    Turn.objects.filter(pk=turns[0].pk).update(question="Break")
    monkeypatch.setattr("chat.model_choice.build_prompt", broken)
    worker.claim_next()
    wait_until(lambda: not Turn.objects.filter(ended_at=None).exists(), what="the answers")
    first = Turn.objects.get(pk=turns[0].pk)
    assert (first.state, first.end_reason, first.tokens) == (TurnState.FAILED, EndReason.INTERNAL_ERROR, 0)
    assert get_meter(owner=first.conversation.owner).held == 0
