"""An outage is declared when the model has been down for minutes, and closed when it is back."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client, override_settings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from chat.models import EndReason, ModelOutage, Turn, TurnState
from chat.turns.outages import (
    CLEAR_AFTER,
    DOWN_AFTER,
    FAILURES_EXPIRE_AFTER,
    check_models,
    find_outage,
    record_failure,
)
from routing.registry import create_settings_model, list_models
from tests.chat.conftest import Ask, written
from tests.live import free_port
from tests.quirks import answered_by
from tests.scripted import ScriptedModel, answer, error_reply, scripted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unnudged")]
AsPerson = Callable[[Person], Client]


def build_unreachable_model() -> ScriptedModel:
    """The address of a server that is down."""
    return ScriptedModel([], url=f"http://127.0.0.1:{free_port()}/v1")


def move_outage_back(**moments: timedelta) -> None:
    """Move the outage back in time."""
    outage = ModelOutage.objects.get()
    for name, by in moments.items():
        setattr(outage, name, getattr(outage, name) - by)
    outage.save()


def fails(ask: Ask, person: Person) -> Turn:
    turn = written(ask(person))
    assert turn.state == TurnState.FAILED
    return turn


class TestDown:
    def test_is_not_declared_after_one_failure(self, teen: Person, ask: Ask, as_person: AsPerson) -> None:
        with answered_by(build_unreachable_model()):
            fails(ask, teen)
            assert check_models()
        assert find_outage(list_models()) is None
        assert "model has been down" not in as_person(teen).get("/tutor/").content.decode()

    def test_is_declared_when_probes_have_failed_for_minutes(
        self, teen: Person, stranger: Person, ask: Ask, as_person: AsPerson
    ) -> None:
        with answered_by(build_unreachable_model()):
            fails(ask, teen)
            move_outage_back(began_at=DOWN_AFTER)
            check_models()
            assert find_outage(list_models()) is None
            check_models()
        assert find_outage(list_models()) is not None
        page = as_person(stranger).get("/tutor/").content.decode()
        assert "model has been down" in page
        assert "Answer when it’s back" in page

    def test_is_not_declared_for_one_conversation_that_the_server_rejects(
        self, teen: Person, stranger: Person, ask: Ask
    ) -> None:
        # It answers requests for its model list, but not questions.
        with scripted([error_reply(500, "oh")]) as broken, answered_by(broken):
            first = fails(ask, teen)
        with scripted() as serving, answered_by(serving):
            for _ in range(3):
                record_failure(create_settings_model(), EndReason.MODEL_ERROR)
            move_outage_back(began_at=DOWN_AFTER)
            check_models()
            assert find_outage(list_models()) is None
            other = ask(stranger)
            Turn.objects.filter(pk=other.pk).update(
                state=TurnState.FAILED, end_reason=EndReason.MODEL_ERROR, ended_at=first.ended_at
            )
            check_models()
            assert find_outage(list_models()) is not None

    def test_costs_nothing_to_look_for_while_all_is_well(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with override_settings(TUTOR_BASE_URL="http://127.0.0.1:1/v1"), django_assert_num_queries(1):
            assert not check_models()


class TestBack:
    def test_is_known_from_the_first_answer(self, outage: ModelOutage, turn: Turn) -> None:
        move_outage_back(last_failure_at=timedelta(seconds=5))
        Turn.objects.filter(pk=turn.pk).update(
            state=TurnState.ANSWERED, claimed_at=timezone.now(), ended_at=timezone.now()
        )
        assert not check_models()
        assert ModelOutage.objects.get().ended_at

    def test_is_known_without_a_question_once_the_server_answers_to_its_name_for_a_while(
        self, outage: ModelOutage
    ) -> None:
        with scripted() as serving, answered_by(serving):
            check_models()
            assert find_outage(list_models())
            move_outage_back(last_failure_at=CLEAR_AFTER)
            check_models()
        assert find_outage(list_models()) is None

    def test_is_not_taken_from_its_name_where_it_answers_no_question(self, outage: ModelOutage) -> None:
        ModelOutage.objects.update(end_reason=EndReason.MODEL_QUOTA)
        with scripted() as serving, answered_by(serving):
            move_outage_back(last_failure_at=CLEAR_AFTER)
            check_models()
            assert find_outage(list_models())
            move_outage_back(last_failure_at=FAILURES_EXPIRE_AFTER)
            check_models()
        assert find_outage(list_models()) is None

    @pytest.mark.parametrize(
        "reply",
        [error_reply(404, "no"), error_reply(405, "no"), answer(200, b"<p>Hello"), answer(200, ["?"])],
    )
    def test_a_server_that_has_no_list_of_models_is_there(self, reply: bytes, outage: ModelOutage) -> None:
        with scripted(models=reply) as serving, answered_by(serving):
            [outage] = check_models()
            assert outage.is_reachable

    @pytest.mark.parametrize("reply", [error_reply(401, "no"), error_reply(503, "loading"), b""])
    def test_one_that_refuses_or_hangs_up_is_not(self, reply: bytes, outage: ModelOutage) -> None:
        with scripted(models=reply) as serving, answered_by(serving):
            [outage] = check_models()
            assert not outage.is_reachable

    def test_a_short_outage_leaves_nothing_behind(self, teen: Person, ask: Ask) -> None:
        with answered_by(build_unreachable_model()):
            fails(ask, teen)
        with scripted() as serving, answered_by(serving):
            move_outage_back(last_failure_at=CLEAR_AFTER)
            check_models()
        assert not ModelOutage.objects.exists()
