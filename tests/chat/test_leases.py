"""Workers claim turns under a lease, save checkpoints and finish each once. A sweep moves on what they leave behind."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from budgets.models import EntryKind, Hold, HoldState, LedgerEntry
from budgets.selectors import get_meter
from chat import services, streaming
from chat.answering.leases import (
    LEASE,
    Checkpoint,
    LeaseStatus,
    checkpoint_turns,
    claim_turns,
    finish_turn,
    sweep_turns,
)
from chat.models import EndReason, Turn, TurnState
from chat.turns.outcomes import Outcome
from tests.chat.conftest import Ask

LATER = LEASE + timedelta(seconds=1)


def build_answered_outcome(
    answer: str = "Because.", prompt_tokens: int = 100, answer_tokens: int = 20
) -> Outcome:
    return Outcome(
        state=TurnState.ANSWERED,
        end_reason=EndReason.NONE,
        answer=answer,
        prompt_tokens=prompt_tokens,
        answer_tokens=answer_tokens,
    )


def claim_turn(turn: Turn) -> Turn:
    [claimed] = claim_turns(limit=1)
    assert claimed == turn
    return claimed


def checkpoint_turn(*, turn: Turn, answer: str, answer_tokens: int) -> LeaseStatus:
    assert turn.claim
    checkpoint = Checkpoint(turn_id=turn.pk, claim=turn.claim, answer=answer, answer_tokens=answer_tokens)
    return checkpoint_turns(checkpoints=[checkpoint])[turn.pk]


class TestClaiming:
    def test_one_claim_gets_the_turn_and_a_second_gets_nothing(self, turn: Turn) -> None:
        assert claim_turn(turn).state == TurnState.WORKING
        assert claim_turns(limit=1) == []

    def test_a_turn_that_was_stopped_or_deleted_is_not_claimed(self, turn: Turn) -> None:
        services.stop_turn(turn=turn)
        assert claim_turns(limit=1) == []
        turn.delete()
        assert claim_turns(limit=1) == []


class TestFinishing:
    def test_the_answer_is_stored_and_what_was_used_is_charged(self, turn: Turn, teen: Person) -> None:
        assert finish_turn(turn=claim_turn(turn), outcome=build_answered_outcome())
        turn.refresh_from_db()
        assert (turn.state, turn.answer, turn.tokens) == (TurnState.ANSWERED, "Because.", 120)
        meter = get_meter(owner=teen)
        assert (meter.spent, meter.held) == (120, 0)

    def test_a_turn_is_finished_once(self, turn: Turn, teen: Person) -> None:
        claimed = claim_turn(turn)
        finish_turn(turn=claimed, outcome=build_answered_outcome())
        assert finish_turn(turn=claimed, outcome=build_answered_outcome("Another.")) is False
        turn.refresh_from_db()
        assert turn.answer == "Because."
        assert get_meter(owner=teen).spent == 120

    def test_a_turn_that_used_nothing_returns_its_whole_hold(self, turn: Turn, teen: Person) -> None:
        unused = Outcome(
            state=TurnState.FAILED,
            end_reason=EndReason.MODEL_UNREACHABLE,
            answer="",
            prompt_tokens=0,
            answer_tokens=0,
        )
        finish_turn(turn=claim_turn(turn), outcome=unused)
        assert Hold.objects.get(key=turn.pk).state == HoldState.RELEASED
        assert get_meter(owner=teen).spent == 0

    def test_an_answer_in_a_deleted_conversation_is_still_charged(self, turn: Turn, teen: Person) -> None:
        claimed = claim_turn(turn)
        services.delete_conversation(conversation=turn.conversation)
        assert checkpoint_turn(turn=claimed, answer="Bec", answer_tokens=1).is_held is False
        finish_turn(turn=claimed, outcome=build_answered_outcome())
        assert get_meter(owner=teen).spent == 120

    def test_a_worker_that_stopped_because_of_the_deletion_charges_what_it_used(
        self, turn: Turn, teen: Person
    ) -> None:
        claimed = claim_turn(turn)
        services.delete_conversation(conversation=turn.conversation)
        interrupted = replace(
            build_answered_outcome(), state=TurnState.FAILED, end_reason=EndReason.WORKER_LOST
        )
        finish_turn(turn=claimed, outcome=interrupted)
        assert get_meter(owner=teen).spent == 120


class TestCheckpoints:
    def test_it_renews_the_lease_and_stores_the_answer_so_far(self, turn: Turn) -> None:
        claimed = claim_turn(turn)
        Turn.objects.filter(pk=turn.pk).update(lease_until=timezone.now())
        assert checkpoint_turn(turn=claimed, answer="Bec", answer_tokens=2).is_held
        turn.refresh_from_db()
        assert (turn.answer, turn.answer_tokens) == ("Bec", 2)
        assert turn.lease_until
        assert turn.lease_until > timezone.now()

    def test_it_notices_a_stop_request(self, turn: Turn) -> None:
        claimed = claim_turn(turn)
        services.stop_turn(turn=turn)
        assert checkpoint_turn(turn=claimed, answer="", answer_tokens=0).is_stop_requested


class TestSweeping:
    @pytest.fixture
    def nudged(self, monkeypatch: pytest.MonkeyPatch) -> list[object]:
        sent: list[object] = []
        monkeypatch.setattr("chat.turns.queue.nudge_worker", sent.append)
        return sent

    def test_a_fresh_turn_is_left_alone(self, turn: Turn, nudged: list[object]) -> None:
        assert sweep_turns() == 0
        assert not nudged

    def test_a_lost_nudge_is_sent_again(self, turn: Turn, nudged: list[object]) -> None:
        sweep_turns(now=timezone.now() + timedelta(seconds=5))
        assert nudged == [turn.pk]

    def test_a_turn_that_no_worker_claimed_fails_and_releases_its_hold(
        self, turn: Turn, teen: Person, nudged: list[object]
    ) -> None:
        sweep_turns(now=timezone.now() + timedelta(minutes=3))
        turn.refresh_from_db()
        assert (turn.state, turn.end_reason) == (TurnState.FAILED, EndReason.NEVER_STARTED)
        assert get_meter(owner=teen).held == 0

    def test_a_turn_whose_worker_died_before_the_first_word_is_queued_again(
        self, turn: Turn, nudged: list[object]
    ) -> None:
        claim_turn(turn)
        sweep_turns(now=timezone.now() + LATER)
        turn.refresh_from_db()
        assert (turn.state, turn.claim) == (TurnState.QUEUED, None)

    def test_a_worker_is_replaced_twice_and_then_the_turn_fails(
        self, turn: Turn, nudged: list[object]
    ) -> None:
        for _ in range(3):
            claim_turn(turn)
            sweep_turns(now=timezone.now() + LATER)
        turn.refresh_from_db()
        assert (turn.state, turn.end_reason, turn.claim_count) == (TurnState.FAILED, EndReason.WORKER_LOST, 3)

    def test_the_answer_so_far_of_a_dead_worker_is_kept_and_paid_by_the_site(
        self, turn: Turn, teen: Person
    ) -> None:
        claimed = claim_turn(turn)
        Turn.objects.filter(pk=turn.pk).update(prompt_tokens=90)
        checkpoint_turn(turn=claimed, answer="Because of", answer_tokens=2)
        sweep_turns(now=timezone.now() + LATER)
        turn.refresh_from_db()
        assert (turn.state, turn.end_reason, turn.answer) == (
            TurnState.FAILED,
            EndReason.WORKER_LOST,
            "Because of",
        )
        meter = get_meter(owner=teen)
        assert (meter.spent, meter.held, turn.tokens) == (0, 0, 0)
        assert LedgerEntry.objects.get(kind=EntryKind.ABSORB).tokens == 92

    def test_a_late_write_by_the_dead_worker_changes_nothing(self, turn: Turn, teen: Person) -> None:
        claimed = claim_turn(turn)
        checkpoint_turn(turn=claimed, answer="Because of", answer_tokens=2)
        sweep_turns(now=timezone.now() + LATER)
        assert finish_turn(turn=claimed, outcome=build_answered_outcome()) is False
        assert get_meter(owner=teen).spent == 0
        assert LedgerEntry.objects.get(kind=EntryKind.ABSORB).tokens == claimed.prompt_tokens + 2

    def test_a_turn_with_a_stop_request_counts_as_stopped(self, turn: Turn) -> None:
        checkpoint_turn(turn=claim_turn(turn), answer="Because", answer_tokens=1)
        services.stop_turn(turn=turn)
        sweep_turns(now=timezone.now() + LATER)
        turn.refresh_from_db()
        assert (turn.state, turn.end_reason) == (TurnState.STOPPED, EndReason.STOPPED_BY_ASKER)

    def test_a_living_worker_keeps_its_turn(self, turn: Turn) -> None:
        claim_turn(turn)
        assert sweep_turns() == 0

    def test_the_stream_is_used_if_it_is_ahead_of_the_checkpoint(
        self, turn: Turn, teen: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        prompt_tokens = turn.prompt_tokens
        checkpoint_turn(turn=claim_turn(turn), answer="Because", answer_tokens=1)
        ahead = streaming.StreamedAnswer(text="Because of the air", tokens=4, last_id="1-0")
        monkeypatch.setattr("chat.streaming.read_stream", lambda _turn_id: ahead)
        sweep_turns(now=timezone.now() + LATER)
        turn.refresh_from_db()
        assert turn.answer == "Because of the air"
        assert LedgerEntry.objects.get(kind=EntryKind.ABSORB).tokens == prompt_tokens + 4


def test_many_turns_are_swept_with_few_queries(
    teen: Person, ask: Ask, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        ask(teen, f"Question {number}")
    with django_assert_max_num_queries(3):
        assert sweep_turns() == 0
