"""When the model is back, deferred turns are answered once, in order, and a few at a time, if they still may be."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Person
from budgets.allowances import set_site_stopped
from budgets.audit import find_ledger_differences
from budgets.models import EntryKind, Hold, HoldState, LedgerEntry
from budgets.selectors import get_meter
from chat.answering.leases import LEASE, MAX_QUEUE_WAIT, claim_turns, sweep_turns
from chat.asking.deferred import MAX_RELEASED, release_deferred, watch_deferred
from chat.models import EndReason, ModelOutage, Turn, TurnState, WaitsFor
from chat.services import stop_turn
from chat.turns.outages import MAX_FAILED_TRIES, find_outage
from chat.turns.queue import list_next_turns
from families.models import Consent, Link
from mail.models import Email
from routing.registry import list_models
from tests.budgets.ledger import set_budget
from tests.budgets.rush import at_once
from tests.chat.conftest import Ask, written
from tests.chat.test_families import begin_quiet_hours
from tests.chat.test_outages import build_unreachable_model
from tests.chat.test_remote_gate import HARM, RemoteGuard, remote
from tests.conftest import with_consent
from tests.quirks import answered_by
from tests.scripted import DONE, OK, Script, error_reply, scripted, stop, used, words

__all__ = ["remote"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unnudged")]
MakePerson = Callable[..., Person]
ANSWER = [OK, words("Rain ", "falls."), stop(), used(50, 2), DONE]


@pytest.fixture
def kept(teen: Person, ask: Ask, outage: ModelOutage) -> Turn:
    return ask(teen, wait_for_model=True)


@pytest.fixture
def crowd(make_person: MakePerson, ask: Ask, outage: ModelOutage) -> list[Turn]:
    return [ask(with_consent(make_person(f"teen-{n}")), wait_for_model=True) for n in range(MAX_RELEASED + 2)]


def reload(turn: Turn) -> Turn:
    return Turn.objects.get(pk=turn.pk)


def end_waiting_time() -> None:
    Turn.objects.update(try_after=timezone.now())


class TestAnAnswer:
    def test_comes_once_and_is_paid_once(self, kept: Turn, teen: Person) -> None:
        with answered_by(build_unreachable_model()):
            assert watch_deferred() == 0
        with scripted(ANSWER) as back, answered_by(back):
            assert watch_deferred() == 1
            turn = written(kept)
            assert (turn.state, turn.answer, turn.tokens) == (TurnState.ANSWERED, "Rain falls.", 52)
            watch_deferred()
            assert len(back.asked) == 1
        assert find_outage(list_models()) is None
        assert (get_meter(owner=teen).spent, get_meter(owner=teen).held) == (52, 0)
        assert LedgerEntry.objects.get(kind=EntryKind.SETTLE).hold_id == turn.pk
        assert not [*find_ledger_differences()]
        assert not Email.objects.exists()

    def test_needs_no_reader(self, kept: Turn, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("chat.streaming.valkey_stream.READER_SECONDS", 1)
        slow: Script = [
            OK,
            words("Rain "),
            1.3,
            words("falls "),
            0.3,
            words("down."),
            stop(),
            used(50, 3),
            DONE,
        ]
        with scripted(slow) as back, answered_by(back):
            watch_deferred()
            assert written(kept).answer == "Rain falls down."

    def test_that_does_not_come_lets_it_wait_again(self, kept: Turn, teen: Person) -> None:
        with scripted([error_reply(503, "busy")]) as serving, answered_by(serving):
            watch_deferred()
            turn = written(kept)
            assert (turn.state, turn.failed_tries, turn.end_reason) == (TurnState.DEFERRED, 1, "")
            # It waits before the next try.
            assert watch_deferred() == 0
        assert get_meter(owner=teen).held == 0
        end_waiting_time()
        with scripted(ANSWER) as back, answered_by(back):
            assert watch_deferred() == 1
            assert written(kept).state == TurnState.ANSWERED
        holds = Hold.objects.order_by("created_at").values_list("state", flat=True)
        assert [*holds] == [HoldState.RELEASED, HoldState.SETTLED]
        assert get_meter(owner=teen).spent == 52
        assert not [*find_ledger_differences()]

    def test_that_broke_off_stays_with_its_words(self, kept: Turn, teen: Person) -> None:
        with scripted([OK, words("Rain ")]) as serving, answered_by(serving):
            watch_deferred()
            turn = written(kept)
        assert (turn.state, turn.end_reason, turn.answer) == (
            TurnState.FAILED,
            EndReason.MODEL_UNREACHABLE,
            "Rain",
        )
        assert get_meter(owner=teen).spent == 0

    def test_to_a_question_that_always_fails_is_given_up(self, kept: Turn) -> None:
        ModelOutage.objects.all().delete()
        with scripted([error_reply(500, "oh")]) as serving, answered_by(serving):
            for _ in range(MAX_FAILED_TRIES + 1):
                end_waiting_time()
                release_deferred(limit=4)
                turn = written(kept)
        assert (turn.state, turn.end_reason) == (TurnState.FAILED, EndReason.MODEL_ERROR)

    def test_is_not_released_after_it_was_withdrawn(self, kept: Turn, teen: Person) -> None:
        with scripted(ANSWER) as back, answered_by(back):
            watch_deferred()
            stop_turn(turn=reload(kept))
            assert written(kept).state == TurnState.STOPPED
            assert not back.asked
        assert get_meter(owner=teen).held == 0


class TestTheRush:
    def test_starts_with_one_turn_while_the_model_may_be_down(self, crowd: list[Turn]) -> None:
        with scripted(ANSWER) as back, answered_by(back):
            assert watch_deferred() == 1
            assert watch_deferred() == 0
        assert reload(crowd[0]).state == TurnState.QUEUED

    def test_is_let_in_a_few_at_a_time_and_in_order(self, crowd: list[Turn], settings: Settings) -> None:
        settings.TUTOR_CONCURRENCY = 32
        ModelOutage.objects.update(ended_at=timezone.now())
        assert watch_deferred() == MAX_RELEASED
        assert [turn.id for turn in list_next_turns(10)] == [turn.pk for turn in crowd[:MAX_RELEASED]]
        assert watch_deferred() == 0
        stop_turn(turn=reload(crowd[0]))
        assert watch_deferred() == 1
        assert reload(crowd[MAX_RELEASED]).state == TurnState.QUEUED

    def test_is_let_in_once_by_workers_that_look_at_once(self, crowd: list[Turn]) -> None:
        assert sum(at_once([lambda: release_deferred(limit=MAX_RELEASED)] * 5)) == MAX_RELEASED
        assert Hold.objects.filter(state=HoldState.HELD).count() == MAX_RELEASED

    def test_leaves_people_with_a_question_under_way_for_later(
        self, kept: Turn, teen: Person, ask: Ask
    ) -> None:
        other = ask(teen)
        assert release_deferred(limit=4) == 0
        stop_turn(turn=other)
        assert release_deferred(limit=4) == 1

    def test_is_not_blocked_by_a_question_that_keeps_failing(self, crowd: list[Turn]) -> None:
        Turn.objects.filter(pk=crowd[0].pk).update(failed_tries=2)
        assert release_deferred(limit=1) == 1
        assert reload(crowd[1]).state == TurnState.QUEUED


class TestTheQueue:
    def test_counts_from_when_it_was_sent_on(self, kept: Turn) -> None:
        Turn.objects.update(asked_at=timezone.now() - timedelta(hours=5))
        release_deferred(limit=1)
        sweep_turns()
        assert reload(kept).state == TurnState.QUEUED

    def test_that_stops_responding_returns_it(self, kept: Turn, teen: Person) -> None:
        release_deferred(limit=1)
        sweep_turns(now=timezone.now() + MAX_QUEUE_WAIT)
        assert (reload(kept).state, get_meter(owner=teen).held) == (TurnState.DEFERRED, 0)

    def test_whose_worker_dies_every_time_gives_it_back(self, kept: Turn, teen: Person) -> None:
        release_deferred(limit=1)
        for _ in range(3):
            assert claim_turns(limit=1)
            sweep_turns(now=timezone.now() + LEASE)
        assert (reload(kept).state, get_meter(owner=teen).held) == (TurnState.DEFERRED, 0)
        assert not [*find_ledger_differences()]


def pause_tutor(teen: Person) -> None:
    Link.objects.update(paused_at=timezone.now())


def use_up_budget(teen: Person) -> None:
    set_budget(teen, tokens=10)


def stop_site(_teen: Person) -> None:
    set_site_stopped(is_stopped=True)


class TestChangesWhileItWaits:
    @pytest.mark.parametrize(
        ("change", "waits_for"),
        [
            (pause_tutor, WaitsFor.FAMILY),
            (begin_quiet_hours, WaitsFor.FAMILY),
            (use_up_budget, WaitsFor.BUDGET),
            (stop_site, WaitsFor.SITE),
        ],
    )
    def test_what_closes_the_tutor_makes_it_wait_on(
        self,
        change: Callable[[Person], None],
        waits_for: WaitsFor,
        kept: Turn,
        teen: Person,
        parent: Person,
        crowd: list[Turn],
    ) -> None:
        Link.objects.create(parent=parent, teen=teen)
        change(teen)
        release_deferred(limit=1)
        turn = reload(kept)
        assert (turn.state, turn.waits_for) == (TurnState.DEFERRED, waits_for)
        assert turn.try_after
        assert turn.try_after > timezone.now()
        assert not Hold.objects.filter(key=kept.pk).exists()
        # It does not delay other turns.
        assert waits_for == WaitsFor.SITE or reload(crowd[0]).state == TurnState.QUEUED

    def test_a_help_card_keeps_the_question_waiting(self, kept: Turn, teen: Person, ask: Ask) -> None:
        ask(teen, "I want to die")
        release_deferred(limit=1)
        assert (reload(kept).state, reload(kept).waits_for) == (TurnState.DEFERRED, WaitsFor.PAUSE)

    def test_consent_that_ends_ends_it(self, kept: Turn) -> None:
        Consent.objects.all().delete()
        release_deferred(limit=1)
        assert (reload(kept).state, reload(kept).end_reason) == (TurnState.FAILED, EndReason.NO_CONSENT)

    def test_it_is_released_when_quiet_hours_end(self, kept: Turn, teen: Person, parent: Person) -> None:
        Link.objects.create(parent=parent, teen=teen)
        begin_quiet_hours(teen)
        release_deferred(limit=1)
        Link.objects.update(quiet_from=None, quiet_to=None)
        end_waiting_time()
        assert release_deferred(limit=1) == 1

    def test_a_remote_guard_is_asked_at_once_and_its_card_waits_for_no_model(
        self, remote: Callable[..., RemoteGuard], kept: Turn, settings: Settings
    ) -> None:
        guard = remote("openai", lambda _body: HARM["openai"])
        with answered_by(build_unreachable_model()):
            watch_deferred()
            watch_deferred()
        assert reload(kept).state == TurnState.CARDED
        assert len(guard.heard) == 1
