"""A model that fails before its first word, and the next one that answers. Real HTTP, real worker, real ledger."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Person
from budgets.allowances import get_budget, set_allowance
from budgets.models import EntryKind, Hold, HoldState, LedgerEntry
from budgets.selectors import get_meter
from chat import streaming
from chat.answering.leases import claim_turns, sweep_turns
from chat.answering.worker import TurnWorker
from chat.formatting import format_fallback, format_route
from chat.model_choice import reroute_turn
from chat.models import EndReason, Turn, TurnState
from chat.services import delete_conversation, stop_turn
from chat.turns.outages import build_outcome_without_answer
from chat.turns.outcomes import Outcome
from families import gate as families_gate
from families.terms import Terms
from inference import loop, provider
from routing import breaker, registry
from routing.models import TutorModel
from routing.ranking import SkipReason
from routing.registry import create_settings_model
from tests.chat.conftest import Ask, written
from tests.chat.models import CLOUD_PRICES, NOWHERE, rest
from tests.conftest import with_consent
from tests.live import wait_until
from tests.scripted import (
    DONE,
    OK,
    Script,
    ScriptedModel,
    answer,
    delta,
    error_reply,
    scripted,
    stop,
    used,
    words,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unnudged")]

LOCAL_ANSWER = "Rain comes from the sea. "
GOOD = [OK + words(LOCAL_ANSWER) + stop() + used(50, 6) + DONE]
CLOUD_ANSWER = [OK + words("Clouds carry water. ") + stop() + used(40, 5) + DONE]
# Every way in which a server fails before its first word, with the reason of its turn if no other model answered.
FAILURES: dict[str, Script] = {
    "closes the connection": [b""],
    "is busy": [error_reply(429, "slow down")],
    "is overloaded": [error_reply(503, "overloaded")],
    "has an error": [error_reply(500, "oops")],
    "refuses the key": [error_reply(401, "no such key")],
    "has no quota": [error_reply(402, "insufficient credit balance")],
    "redirects": [answer(307, b"", Location="http://127.0.0.1:1/v1/chat/completions")],
    "sends nonsense": [OK + b"data: {not json\n\n"],
    "sends another page": [answer(200, b"<p>Hello")],
    "does not speak HTTP": [b"no HTTP at all\r\n\r\n"],
    "is silent": [OK, None],
    "says nothing": [OK + stop() + used(40, 0) + DONE],
    "only thinks": [OK + delta(reasoning_content="Hm, rain. ") + stop("length") + used(40, 30) + DONE],
    "fails after thinking": [OK + delta(reasoning_content="Hm, rain. ")],
}


@pytest.fixture
def serve(settings: Settings) -> Iterator[Callable[..., ScriptedModel]]:
    """Start scripted servers; the first answers for the cloud, the settings' model for itself."""
    settings.TUTOR_FIRST_TOKEN_SECONDS = settings.TUTOR_NEXT_TOKEN_SECONDS = 5.0
    with ExitStack() as stack:

        def start(*scripts: Script) -> ScriptedModel:
            return stack.enter_context(scripted(*scripts))

        yield start
    # Each server had connections of its own.
    loop.submit(provider.close_clients()).result()


@pytest.fixture
def make_cloud(settings: Settings, serve: Callable[..., ScriptedModel]) -> Callable[..., TutorModel]:
    """A better model than the settings' one, which costs money, with these scripts; without any, its server is down."""

    def make(*scripts: Script, **fields: Any) -> TutorModel:
        url = serve(*scripts).url if scripts else NOWHERE
        settings.TUTOR_HOSTS = [*settings.TUTOR_HOSTS, url.split("/")[2]]
        return TutorModel.objects.create(
            **{
                "name": "Cloud",
                "base_url": url,
                "model_name": "large",
                "position": 1,
                "first_token_seconds": 0.5,
                "next_token_seconds": 0.5,
            }
            | CLOUD_PRICES
            | fields
        )

    return make


@pytest.fixture
def local(settings: Settings, serve: Callable[..., ScriptedModel]) -> ScriptedModel:
    """The settings' model, which answers."""
    server = serve(GOOD)
    settings.TUTOR_BASE_URL = server.url
    return server


def paid(person: Person) -> tuple[int, int]:
    """Return the tokens and micro-dollars that the person has paid."""
    settled = LedgerEntry.objects.filter(hold__period__budget__owner=person, kind=EntryKind.SETTLE)
    return sum(entry.tokens for entry in settled), sum(entry.microdollars for entry in settled)


class TestBeforeTheFirstWord:
    @pytest.mark.parametrize("failure", FAILURES)
    def test_the_next_model_answers_and_nothing_is_paid_twice(
        self,
        failure: str,
        teen: Person,
        ask: Ask,
        make_cloud: Callable[..., TutorModel],
        local: ScriptedModel,
    ) -> None:
        make_cloud(FAILURES[failure])
        turn = written(ask(teen))
        assert (turn.state, turn.end_reason) == (TurnState.ANSWERED, EndReason.NONE)
        assert (turn.answer, turn.is_local, turn.has_fallen_back) == (LOCAL_ANSWER.strip(), True, True)
        assert turn.route[0]["reason"] == "failed"
        assert paid(teen) == (56, 0)
        meter = get_meter(owner=teen)
        assert (meter.spent, meter.held) == (56, 0)
        assert not Hold.objects.filter(state=HoldState.HELD).exists()
        assert (streaming.read_stream(turn.pk) or streaming.StreamedAnswer()).text == LOCAL_ANSWER
        assert "Cloud was not used because it was asked and gave no answer" in format_route(turn)
        assert format_fallback(turn)

    def test_a_server_that_is_down_costs_no_wait(
        self, teen: Person, ask: Ask, make_cloud: Callable[..., TutorModel], local: ScriptedModel
    ) -> None:
        make_cloud()
        turn = written(ask(teen))
        assert turn.answer == LOCAL_ANSWER.strip()

    def test_what_the_failed_model_used_is_paid_by_the_site(
        self, teen: Person, ask: Ask, make_cloud: Callable[..., TutorModel], local: ScriptedModel
    ) -> None:
        make_cloud(FAILURES["only thinks"])
        written(ask(teen))
        absorbed = LedgerEntry.objects.get(kind=EntryKind.ABSORB)
        assert (absorbed.tokens, absorbed.microdollars) == (70, 40 * 2 + 30 * 6)
        assert paid(teen) == (56, 0)

    def test_the_better_model_is_paid_by_its_own_price(
        self, teen: Person, ask: Ask, make_cloud: Callable[..., TutorModel], local: ScriptedModel
    ) -> None:
        make_cloud(CLOUD_ANSWER)
        turn = written(ask(teen))
        assert (turn.model, turn.route) == ("large", [])
        assert paid(teen) == (45, 40 * 2 + 5 * 6) == (turn.tokens, turn.microdollars)

    def test_a_price_that_changes_meanwhile_counts_from_the_next_question(
        self, teen: Person, ask: Ask, make_cloud: Callable[..., TutorModel], local: ScriptedModel
    ) -> None:
        cloud = make_cloud(CLOUD_ANSWER)
        turn = ask(teen)
        TutorModel.objects.filter(pk=cloud.pk).update(input_price=900_000_000, output_price=900_000_000)
        assert written(turn).microdollars == 40 * 2 + 5 * 6

    def test_three_models_are_asked_in_turn(
        self,
        teen: Person,
        ask: Ask,
        make_cloud: Callable[..., TutorModel],
        local: ScriptedModel,
    ) -> None:
        make_cloud(FAILURES["is busy"])
        make_cloud(FAILURES["has an error"], name="Second", position=2)
        turn = written(ask(teen))
        assert [skipped["name"] for skipped in turn.route] == ["Cloud", "Second"]
        assert turn.answer == LOCAL_ANSWER.strip()

    def test_if_every_model_fails_the_turn_fails_and_costs_nothing(
        self, teen: Person, ask: Ask, make_cloud: Callable[..., TutorModel], settings: Settings
    ) -> None:
        make_cloud(FAILURES["is busy"])
        settings.TUTOR_BASE_URL = NOWHERE
        turn = written(ask(teen))
        assert (turn.state, turn.end_reason) == (TurnState.FAILED, EndReason.MODEL_UNREACHABLE)
        assert paid(teen) == (0, 0)
        assert get_meter(owner=teen).held == 0

    def test_a_costlier_model_answers_only_if_the_budget_pays_for_it(
        self, teen: Person, ask: Ask, make_cloud: Callable[..., TutorModel], settings: Settings
    ) -> None:
        # The local model comes first here, and is down.
        settings.TUTOR_BASE_URL = NOWHERE
        cloud = make_cloud(CLOUD_ANSWER, position=30)
        turn = written(ask(teen))
        assert (turn.tutor_model, turn.microdollars) == (cloud, 110)
        TutorModel.objects.filter(pk=cloud.pk).update(input_price=10**15)
        breaker.record_success(create_settings_model().pk)
        registry.clear_models_cache()
        set_allowance(budget=get_budget(owner=teen), tokens=10_000, microdollars=1_000)
        turn = written(ask(teen, "And snow?"))
        assert (turn.state, turn.end_reason) == (TurnState.FAILED, EndReason.MODEL_UNREACHABLE)


class TestAfterTheFirstWord:
    BROKEN: Script = [OK + words("Clouds carry ") + b'data: {"error": {"message": "out of memory"}}\n\n']

    def test_the_answer_keeps_its_words_and_the_next_question_goes_to_another_model(
        self, teen: Person, ask: Ask, make_cloud: Callable[..., TutorModel], local: ScriptedModel
    ) -> None:
        make_cloud(self.BROKEN)
        turns = [written(ask(teen, f"Question {n}?")) for n in range(3)]
        assert {(turn.state, turn.answer) for turn in turns} == {(TurnState.FAILED, "Clouds carry")}
        following = written(ask(teen, "And now?", conversation=turns[0].conversation))
        assert (following.state, following.is_local) == (TurnState.ANSWERED, True)
        assert following.route[0]["reason"] == "down"
        assert format_fallback(following)

    def test_a_refusal_is_not_taken_to_another_model(
        self, teen: Person, ask: Ask, make_cloud: Callable[..., TutorModel], local: ScriptedModel
    ) -> None:
        make_cloud([OK + stop("content_filter") + DONE])
        turn = written(ask(teen))
        assert (turn.state, turn.end_reason) == (TurnState.FAILED, EndReason.FILTERED)
        assert not local.asked


class TestAtTheClaim:
    def test_a_model_that_rests_by_now_is_not_asked(
        self, teen: Person, ask: Ask, make_cloud: Callable[..., TutorModel], local: ScriptedModel
    ) -> None:
        cloud = make_cloud(CLOUD_ANSWER)
        turn = ask(teen)
        rest(cloud)
        turn = written(turn)
        assert (turn.is_local, turn.route[0]["reason"]) == (True, "down")
        assert paid(teen) == (56, 0)

    @pytest.mark.parametrize("change", ["disabled", "deleted"])
    def test_a_model_that_is_gone_by_now_is_not_asked(
        self, change: str, teen: Person, ask: Ask, make_cloud: Callable[..., TutorModel], local: ScriptedModel
    ) -> None:
        cloud = make_cloud(CLOUD_ANSWER)
        turn = ask(teen)
        if change == "deleted":
            cloud.delete()
        else:
            cloud.is_enabled = False
            cloud.save()
        assert written(turn).answer == LOCAL_ANSWER.strip()

    def test_without_another_model_the_turn_of_a_deleted_one_fails_and_costs_nothing(
        self, teen: Person, ask: Ask, make_cloud: Callable[..., TutorModel]
    ) -> None:
        cloud = make_cloud(CLOUD_ANSWER)
        turn = ask(teen)
        cloud.delete()
        local = create_settings_model()
        local.is_enabled = False
        local.save()
        turn = written(turn)
        assert (turn.state, turn.end_reason) == (TurnState.FAILED, EndReason.MODEL_UNREACHABLE)
        assert get_meter(owner=teen).held == 0

    def test_what_a_family_agreed_meanwhile_keeps_the_question_here(
        self,
        teen: Person,
        ask: Ask,
        make_cloud: Callable[..., TutorModel],
        local: ScriptedModel,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(
            TutorModel, "is_local", property(lambda model: model.is_from_settings), raising=True
        )
        make_cloud(CLOUD_ANSWER)
        turn = ask(teen)
        assert not turn.is_local
        monkeypatch.setattr(families_gate, "combine_terms", lambda _agreed: Terms(local_only=True))
        turn = written(turn)
        assert (turn.is_local, turn.answer) == (True, LOCAL_ANSWER.strip())

    def test_and_without_a_local_model_it_is_not_answered(
        self,
        teen: Person,
        ask: Ask,
        make_cloud: Callable[..., TutorModel],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(TutorModel, "is_local", property(lambda _model: False))
        cloud = make_cloud(CLOUD_ANSWER)
        turn = ask(teen)
        monkeypatch.setattr(families_gate, "combine_terms", lambda _agreed: Terms(local_only=True))
        turn = written(turn)
        assert (turn.state, turn.end_reason) == (TurnState.FAILED, EndReason.NO_LOCAL_MODEL)
        assert turn.tutor_model == cloud
        assert get_meter(owner=teen).held == 0

    def test_a_stop_before_the_fallback_stops_the_turn(
        self, teen: Person, ask: Ask, make_cloud: Callable[..., TutorModel], local: ScriptedModel
    ) -> None:
        make_cloud([OK, 1.5, b""], first_token_seconds=5.0)
        turn = ask(teen)
        worker = TurnWorker(max_answers=1)
        worker.claim_next()
        Turn.objects.filter(pk=turn.pk).update(stop_requested_at=timezone.now())
        wait_until(lambda: not worker.answers, what="the answer")
        turn.refresh_from_db()
        assert (turn.state, turn.end_reason) == (TurnState.STOPPED, EndReason.STOPPED_BY_ASKER)
        assert not local.asked
        assert get_meter(owner=teen).held == 0


class TestPlaces:
    def test_two_local_servers_share_the_questions_by_their_free_slots(
        self,
        make_person: Callable[..., Person],
        ask: Ask,
        make_cloud: Callable[..., TutorModel],
        serve: Callable[..., ScriptedModel],
        settings: Settings,
    ) -> None:
        slow: Script = [OK, 1.0, words("Rain. ") + stop() + used(40, 2) + DONE]
        free = {"input_price": 0, "cached_input_price": 0, "output_price": 0, "next_token_seconds": 5.0}
        first = make_cloud(slow, max_answers=2, first_token_seconds=9.0, **free)
        second = make_cloud(slow, name="Second", position=2, max_answers=2, first_token_seconds=9.0, **free)
        settings.TUTOR_BASE_URL = NOWHERE
        TutorModel.objects.filter(is_from_settings=True).update(is_enabled=False)
        turns = [ask(with_consent(make_person(f"teen{n}"))) for n in range(5)]
        worker = TurnWorker(max_answers=10)
        worker.claim_next()
        working = Turn.objects.filter(state=TurnState.WORKING)
        assert [turn.tutor_model for turn in working.order_by("asked_at")] == [first, first, second, second]
        assert Turn.objects.get(state=TurnState.QUEUED).pk == turns[-1].pk
        wait_until(lambda: not Turn.objects.exclude(state=TurnState.ANSWERED).exists(), what="the answers")
        worker.is_closing = True


class TestAWorkerThatDiesAfterAFallback:
    """The turn has had two holds by then. Each resolves once, whatever happens next."""

    @pytest.fixture
    def rerouted(
        self, teen: Person, ask: Ask, make_cloud: Callable[..., TutorModel], local: ScriptedModel
    ) -> Turn:
        make_cloud(CLOUD_ANSWER)
        ask(teen)
        [claimed] = claim_turns(limit=1)
        outcome = Outcome(
            state=TurnState.FAILED,
            end_reason=EndReason.MODEL_BUSY,
            answer="",
            prompt_tokens=40,
            answer_tokens=3,
            prices=claimed.prices,
        )
        turn = reroute_turn(turn=claimed, reason=SkipReason.FAILED, outcome=outcome)
        assert turn
        assert turn.hold_key != claimed.hold_key
        return turn

    def expire(self, turn: Turn) -> None:
        Turn.objects.filter(pk=turn.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        sweep_turns()

    def require_settled(self, teen: Person, *, absorbed: int) -> None:
        assert not Hold.objects.filter(state=HoldState.HELD).exists()
        assert get_meter(owner=teen).held == 0
        entries = LedgerEntry.objects.filter(kind=EntryKind.ABSORB)
        assert [entry.tokens for entry in entries] == [absorbed]

    def test_another_worker_answers_it(self, rerouted: Turn, teen: Person) -> None:
        self.expire(rerouted)
        turn = written(Turn.objects.get(pk=rerouted.pk))
        assert (turn.state, turn.answer) == (TurnState.ANSWERED, LOCAL_ANSWER.strip())
        assert paid(teen) == (56, 0)
        self.require_settled(teen, absorbed=43)

    def test_a_stop_ends_it_for_nothing(self, rerouted: Turn, teen: Person) -> None:
        stop_turn(turn=rerouted)
        self.expire(rerouted)
        assert Turn.objects.get(pk=rerouted.pk).state == TurnState.STOPPED
        assert paid(teen) == (0, 0)
        self.require_settled(teen, absorbed=43)

    def test_a_deleted_conversation_leaves_no_hold(self, rerouted: Turn, teen: Person) -> None:
        self.expire(rerouted)
        delete_conversation(conversation=rerouted.conversation)
        assert paid(teen) == (0, 0)
        self.require_settled(teen, absorbed=43)

    def test_a_lost_claim_cannot_be_rerouted(self, rerouted: Turn) -> None:
        Turn.objects.filter(pk=rerouted.pk).update(claim=uuid4())
        nothing = build_outcome_without_answer(EndReason.MODEL_BUSY)
        assert reroute_turn(turn=rerouted, reason=SkipReason.FAILED, outcome=nothing) is None
        assert Hold.objects.get(state=HoldState.HELD).key == rerouted.hold_key
