"""A deferred turn: what its asker sees, and what they can and cannot do while it waits."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from budgets.allowances import set_site_stopped
from budgets.errors import SiteStopped
from budgets.models import Hold
from budgets.selectors import get_meter
from chat.answering.leases import claim_turns, sweep_turns
from chat.asking.follow_ups import retry_turn
from chat.errors import StillAnswering, TooManyDeferred
from chat.models import MAX_DEFERRAL, Conversation, EndReason, ModelOutage, Turn, TurnState, WaitsFor
from chat.personal import erase_conversations
from chat.services import delete_conversation, stop_turn
from chat.turns.outages import MAX_DEFERRED, end_expired_deferred
from families.models import Link
from families.terms import ParentView
from tests.chat.conftest import Ask

pytestmark = pytest.mark.usefixtures("unnudged")
AsPerson = Callable[[Person], Client]
DANGER = "I am going to kill myself tonight, I have the pills here"


@pytest.fixture
def deferred(teen: Person, ask: Ask, outage: ModelOutage) -> Turn:
    return ask(teen, wait_for_model=True)


class TestAsking:
    def test_it_waits_and_holds_nothing(self, deferred: Turn, teen: Person) -> None:
        assert (deferred.state, deferred.waits_for, deferred.prompt_tokens) == (
            TurnState.DEFERRED,
            WaitsFor.MODEL,
            0,
        )
        assert not Hold.objects.exists()
        assert get_meter(owner=teen).held == 0

    def test_no_worker_claims_it_and_no_sweep_ends_it(self, deferred: Turn) -> None:
        Turn.objects.update(asked_at=timezone.now() - timedelta(hours=3))
        assert claim_turns(limit=5) == []
        sweep_turns()
        deferred.refresh_from_db()
        assert deferred.state == TurnState.DEFERRED

    def test_a_model_that_is_up_answers_at_once(self, teen: Person, ask: Ask) -> None:
        assert ask(teen, wait_for_model=True).state == TurnState.QUEUED

    def test_without_the_choice_a_question_is_not_deferred(
        self, teen: Person, ask: Ask, outage: ModelOutage
    ) -> None:
        assert ask(teen).state == TurnState.QUEUED

    def test_a_cry_for_help_gets_its_card_at_once(self, teen: Person, ask: Ask, outage: ModelOutage) -> None:
        assert ask(teen, DANGER, wait_for_model=True).state == TurnState.CARDED

    def test_a_cry_for_help_beside_a_deferred_question_gets_its_card(
        self, deferred: Turn, teen: Person, ask: Ask
    ) -> None:
        assert ask(teen, DANGER, conversation=deferred.conversation).state == TurnState.CARDED

    def test_a_conversation_can_have_one_deferred_question(
        self, deferred: Turn, teen: Person, ask: Ask
    ) -> None:
        with pytest.raises(StillAnswering):
            ask(teen, "And the sea?", conversation=deferred.conversation, wait_for_model=True)

    def test_a_person_can_have_a_few_deferred_questions(
        self, deferred: Turn, teen: Person, stranger: Person, ask: Ask
    ) -> None:
        for _ in range(MAX_DEFERRED - 1):
            ask(teen, wait_for_model=True)
        with pytest.raises(TooManyDeferred):
            ask(teen, wait_for_model=True)
        assert ask(stranger, wait_for_model=True).state == TurnState.DEFERRED
        assert Turn.objects.count() == MAX_DEFERRED + 1

    def test_it_passes_the_same_checks_as_any_question(
        self, teen: Person, ask: Ask, outage: ModelOutage
    ) -> None:
        set_site_stopped(is_stopped=True)
        with pytest.raises(SiteStopped):
            ask(teen, wait_for_model=True)

    def test_posting_it_twice_creates_one_turn(
        self, as_person: AsPerson, teen: Person, outage: ModelOutage
    ) -> None:
        form = {"question": "Why?", "turn_id": str(uuid4()), "when": "back"}
        for _ in range(2):
            assert as_person(teen).post("/tutor/ask", form).status_code == 302
        assert Turn.objects.get().state == TurnState.DEFERRED


class TestItsEnd:
    def test_its_asker_can_withdraw_it(self, deferred: Turn, teen: Person, as_person: AsPerson) -> None:
        as_person(teen).post(f"/tutor/turns/{deferred.pk}/stop")
        deferred.refresh_from_db()
        assert (deferred.state, deferred.end_reason, deferred.waits_for) == (
            TurnState.STOPPED,
            EndReason.WITHDRAWN,
            "",
        )
        page = as_person(teen).get(f"/tutor/{deferred.conversation_id}").content.decode()
        assert "You withdrew this question. Nothing was charged." in page

    def test_it_fails_after_a_day_and_its_question_stays(
        self, deferred: Turn, teen: Person, as_person: AsPerson
    ) -> None:
        assert end_expired_deferred(now=timezone.now() + MAX_DEFERRAL - timedelta(minutes=1)) == 0
        assert end_expired_deferred(now=timezone.now() + MAX_DEFERRAL) == 1
        deferred.refresh_from_db()
        assert (deferred.state, deferred.end_reason) == (TurnState.FAILED, EndReason.WAITED_TOO_LONG)
        page = as_person(teen).get(f"/tutor/{deferred.conversation_id}").content.decode()
        assert "This question waited for a day" in page
        assert deferred.question in page

    def test_it_is_deleted_with_its_conversation(self, deferred: Turn, teen: Person) -> None:
        delete_conversation(conversation=deferred.conversation)
        assert not Turn.objects.exists()

    def test_it_is_erased_with_its_asker(self, deferred: Turn, teen: Person) -> None:
        erase_conversations(teen)
        assert not Conversation.objects.exists()

    def test_withdrawing_a_deferred_retry_shows_the_earlier_turn_again(
        self, teen: Person, ask: Ask, outage: ModelOutage
    ) -> None:
        first = ask(teen)
        stop_turn(turn=first)
        first.refresh_from_db()
        retry = retry_turn(person=teen, failed=first, turn_id=uuid4(), wait_for_model=True).turn
        assert retry.state == TurnState.DEFERRED
        stop_turn(turn=retry)
        retry.refresh_from_db()
        assert retry.replaced_by == first


class TestThePage:
    def test_says_what_is_waited_for_and_follows_it(
        self, deferred: Turn, teen: Person, as_person: AsPerson
    ) -> None:
        page = as_person(teen).get(f"/tutor/{deferred.conversation_id}").content.decode()
        assert "It will be answered when the model is back, even if you close this page." in page
        assert "Withdraw question" in page
        assert f'data-stream="/tutor/turns/{deferred.pk}/stream' in page
        # Without a script a link checks again: an automatic refresh would go on for hours.
        assert "http-equiv" not in page
        assert "Check for an answer" in page

    def test_of_a_failed_turn_offers_to_wait_while_the_model_is_down(
        self, teen: Person, ask: Ask, as_person: AsPerson, outage: ModelOutage
    ) -> None:
        turn = ask(teen)
        Turn.objects.update(
            state=TurnState.FAILED, end_reason=EndReason.MODEL_UNREACHABLE, ended_at=timezone.now()
        )
        client, address = as_person(teen), f"/tutor/{turn.conversation_id}"
        assert f'id="wait-{turn.pk}"' in client.get(address).content.decode()
        client.post(f"/tutor/turns/{turn.pk}/retry", {"turn_id": str(uuid4()), "when": "back"})
        assert turn.retries.get().state == TurnState.DEFERRED
        ModelOutage.objects.update(ended_at=timezone.now())
        assert f'id="wait-{turn.pk}"' not in client.get(address).content.decode()

    def test_that_asks_about_personal_data_keeps_the_choice_to_wait(
        self, teen: Person, as_person: AsPerson, outage: ModelOutage, settings: object
    ) -> None:
        settings.TUTOR_BASE_URL = "https://model.example/v1"  # type: ignore[attr-defined]
        client = as_person(teen)
        form = {"question": "My phone number is 555-867-5309. Why is the sky blue?", "when": "back"}
        page = client.post("/tutor/ask", form).content.decode()
        assert "Your question hasn’t been sent yet." in page
        assert '<input type="hidden" name="when" value="back">' in page
        client.post("/tutor/ask", form | {"personal": "remove"})
        assert Turn.objects.get().state == TurnState.DEFERRED

    def test_of_the_parent_view_says_that_the_question_waits(
        self, deferred: Turn, teen: Person, parent: Person, as_person: AsPerson
    ) -> None:
        link = Link.objects.create(
            parent=parent,
            teen=teen,
            parent_view=ParentView.FULL,
            full_since=None,
            created_at=timezone.now() - timedelta(days=1),
        )
        page = as_person(parent).get(f"/tutor/parent-view/{link.pk}").content.decode()
        assert "The question is saved until it can be answered." in page


class TestTheApi:
    def test_says_that_the_model_is_down_and_defers_a_question(
        self, teen: Person, as_person: AsPerson, outage: ModelOutage
    ) -> None:
        client = as_person(teen)
        state = client.get("/api/v1/tutor").json()
        assert (bool(state["model_down_since"]), state["deferred"], state["deferred_limit"]) == (True, 0, 3)

        def post_question() -> dict[str, object]:
            body = {"question": "Why is the sky blue?", "wait_for_model": True}
            headers = {"Idempotency-Key": str(uuid4())}
            reply = client.post("/api/v1/turns", body, content_type="application/json", headers=headers)
            return dict(reply.json()) | {"status_code": reply.status_code}

        turn = post_question()
        assert (turn["state"], turn["waits_for"], bool(turn["deferred_until"])) == ("deferred", "model", True)
        post_question(), post_question()
        rejection = post_question()
        assert (rejection["status_code"], str(rejection["type"]).rpartition("#")[2]) == (
            409,
            "too-many-deferred",
        )
        stopped = client.post(f"/api/v1/turns/{turn['id']}/stop").json()
        assert (stopped["state"], stopped["end_reason"]) == ("stopped", "withdrawn")

    def test_reports_no_outage_while_the_model_is_up(self, teen: Person, as_person: AsPerson) -> None:
        assert as_person(teen).get("/api/v1/tutor").json()["model_down_since"] is None


def test_admins_see_the_outage_and_how_many_wait(
    deferred: Turn, admin_person: Person, as_person: AsPerson, client: Client
) -> None:
    page = as_person(admin_person).get("/admin/chat/modeloutage/").content.decode()
    assert "the model could not be reached" in page
    assert '<td class="field-waiting">1</td>' in page
    metrics = client.get("/metrics").content.decode()
    assert 'kitchen_turns_live{state="deferred"} 1.0' in metrics
    assert float(metrics.split('\nkitchen_model_outage_seconds{model="Tutor"} ')[1].split()[0]) > 100
