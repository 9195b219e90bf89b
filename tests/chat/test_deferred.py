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
from chat.asking.services import retry_turn
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
def kept(teen: Person, ask: Ask, down: ModelOutage) -> Turn:
    return ask(teen, wait_for_model=True)


class TestAsking:
    def test_it_waits_and_holds_nothing(self, kept: Turn, teen: Person) -> None:
        assert (kept.state, kept.waits_for, kept.prompt_tokens) == (TurnState.DEFERRED, WaitsFor.MODEL, 0)
        assert not Hold.objects.exists()
        assert get_meter(owner=teen).held == 0

    def test_no_worker_claims_it_and_no_sweep_ends_it(self, kept: Turn) -> None:
        Turn.objects.update(asked_at=timezone.now() - timedelta(hours=3))
        assert claim_turns(places=5) == []
        sweep_turns()
        kept.refresh_from_db()
        assert kept.state == TurnState.DEFERRED

    def test_a_model_that_is_up_answers_at_once(self, teen: Person, ask: Ask) -> None:
        assert ask(teen, wait_for_model=True).state == TurnState.QUEUED

    def test_without_the_choice_a_question_is_not_deferred(
        self, teen: Person, ask: Ask, down: ModelOutage
    ) -> None:
        assert ask(teen).state == TurnState.QUEUED

    def test_a_cry_for_help_gets_its_card_at_once(self, teen: Person, ask: Ask, down: ModelOutage) -> None:
        assert ask(teen, DANGER, wait_for_model=True).state == TurnState.CARDED

    def test_a_cry_for_help_beside_a_deferred_question_gets_its_card(
        self, kept: Turn, teen: Person, ask: Ask
    ) -> None:
        assert ask(teen, DANGER, conversation=kept.conversation).state == TurnState.CARDED

    def test_a_conversation_can_have_one_deferred_question(self, kept: Turn, teen: Person, ask: Ask) -> None:
        with pytest.raises(StillAnswering):
            ask(teen, "And the sea?", conversation=kept.conversation, wait_for_model=True)

    def test_a_person_can_have_a_few_deferred_questions(
        self, kept: Turn, teen: Person, stranger: Person, ask: Ask
    ) -> None:
        for _ in range(MAX_DEFERRED - 1):
            ask(teen, wait_for_model=True)
        with pytest.raises(TooManyDeferred):
            ask(teen, wait_for_model=True)
        assert ask(stranger, wait_for_model=True).state == TurnState.DEFERRED
        assert Turn.objects.count() == MAX_DEFERRED + 1

    def test_it_passes_the_same_checks_as_any_question(
        self, teen: Person, ask: Ask, down: ModelOutage
    ) -> None:
        set_site_stopped(is_stopped=True)
        with pytest.raises(SiteStopped):
            ask(teen, wait_for_model=True)

    def test_posting_it_twice_keeps_one(self, as_person: AsPerson, teen: Person, down: ModelOutage) -> None:
        form = {"question": "Why?", "turn_id": str(uuid4()), "when": "back"}
        for _ in range(2):
            assert as_person(teen).post("/tutor/ask", form).status_code == 302
        assert Turn.objects.get().state == TurnState.DEFERRED


class TestItsEndReason:
    def test_comes_when_its_asker_takes_it_back(self, kept: Turn, teen: Person, as_person: AsPerson) -> None:
        as_person(teen).post(f"/tutor/turns/{kept.pk}/stop")
        kept.refresh_from_db()
        assert (kept.state, kept.end_reason, kept.waits_for) == (TurnState.STOPPED, EndReason.WITHDRAWN, "")
        page = as_person(teen).get(f"/tutor/{kept.conversation_id}").content.decode()
        assert "You withdrew this question. Nothing was charged." in page

    def test_comes_after_a_day_with_its_words_kept(
        self, kept: Turn, teen: Person, as_person: AsPerson
    ) -> None:
        assert end_expired_deferred(now=timezone.now() + MAX_DEFERRAL - timedelta(minutes=1)) == 0
        assert end_expired_deferred(now=timezone.now() + MAX_DEFERRAL) == 1
        kept.refresh_from_db()
        assert (kept.state, kept.end_reason) == (TurnState.FAILED, EndReason.WAITED_TOO_LONG)
        page = as_person(teen).get(f"/tutor/{kept.conversation_id}").content.decode()
        assert "This question waited for a day" in page
        assert kept.question in page

    def test_comes_with_that_of_its_conversation_or_its_asker(self, kept: Turn, teen: Person) -> None:
        delete_conversation(conversation=kept.conversation)
        assert not Turn.objects.exists()

    def test_comes_with_that_of_its_asker(self, kept: Turn, teen: Person) -> None:
        erase_conversations(teen)
        assert not Conversation.objects.exists()

    def test_of_a_retry_leaves_what_there_was(self, teen: Person, ask: Ask, down: ModelOutage) -> None:
        first = ask(teen)
        stop_turn(turn=first)
        first.refresh_from_db()
        again = retry_turn(person=teen, failed=first, turn_id=uuid4(), wait_for_model=True).turn
        assert again.state == TurnState.DEFERRED
        stop_turn(turn=again)
        again.refresh_from_db()
        assert again.replaced_by == first


class TestThePage:
    def test_says_what_is_waited_for_and_follows_it(
        self, kept: Turn, teen: Person, as_person: AsPerson
    ) -> None:
        page = as_person(teen).get(f"/tutor/{kept.conversation_id}").content.decode()
        assert "It will be answered when the model is back, even if you close this page." in page
        assert "Withdraw question" in page
        assert f'data-stream="/tutor/turns/{kept.pk}/stream' in page
        # Without a script a link checks again: an automatic refresh would go on for hours.
        assert "http-equiv" not in page
        assert "Check for an answer" in page

    def test_of_a_question_that_failed_offers_it_while_the_model_is_down(
        self, teen: Person, ask: Ask, as_person: AsPerson, down: ModelOutage
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

    def test_keeps_the_choice_while_something_personal_is_asked_about(
        self, teen: Person, as_person: AsPerson, down: ModelOutage, settings: object
    ) -> None:
        settings.TUTOR_BASE_URL = "https://model.example/v1"  # type: ignore[attr-defined]
        client = as_person(teen)
        form = {"question": "My phone number is 555-867-5309. Why is the sky blue?", "when": "back"}
        page = client.post("/tutor/ask", form).content.decode()
        assert "Your question hasn’t been sent yet." in page
        assert '<input type="hidden" name="when" value="back">' in page
        client.post("/tutor/ask", form | {"personal": "remove"})
        assert Turn.objects.get().state == TurnState.DEFERRED

    def test_of_a_parent_says_that_it_waits(
        self, kept: Turn, teen: Person, parent: Person, as_person: AsPerson
    ) -> None:
        link = Link.objects.create(
            parent=parent,
            teen=teen,
            parent_view=ParentView.FULL,
            full_since=None,
            made_at=timezone.now() - timedelta(days=1),
        )
        page = as_person(parent).get(f"/tutor/parent-view/{link.pk}").content.decode()
        assert "The question is saved until it can be answered." in page


class TestTheApi:
    def test_says_that_the_model_is_down_and_keeps_a_question(
        self, teen: Person, as_person: AsPerson, down: ModelOutage
    ) -> None:
        client = as_person(teen)
        state = client.get("/api/v1/tutor").json()
        assert (bool(state["model_down_since"]), state["deferred"], state["deferred_limit"]) == (True, 0, 3)

        def asked() -> dict[str, object]:
            body = {"question": "Why is the sky blue?", "wait_for_model": True}
            headers = {"Idempotency-Key": str(uuid4())}
            reply = client.post("/api/v1/turns", body, content_type="application/json", headers=headers)
            return dict(reply.json()) | {"status_code": reply.status_code}

        turn = asked()
        assert (turn["state"], turn["waits_for"], bool(turn["deferred_until"])) == ("deferred", "model", True)
        asked(), asked()
        refused = asked()
        assert (refused["status_code"], str(refused["type"]).rpartition("#")[2]) == (409, "too-many-deferred")
        stopped = client.post(f"/api/v1/turns/{turn['id']}/stop").json()
        assert (stopped["state"], stopped["end_reason"]) == ("stopped", "withdrawn")

    def test_says_nothing_of_the_kind_while_all_is_well(self, teen: Person, as_person: AsPerson) -> None:
        assert as_person(teen).get("/api/v1/tutor").json()["model_down_since"] is None


def test_admins_see_the_outage_and_how_many_wait(
    kept: Turn, admin_person: Person, as_person: AsPerson, client: Client
) -> None:
    page = as_person(admin_person).get("/admin/chat/modeloutage/").content.decode()
    assert "the model could not be reached" in page
    assert '<td class="field-waiting">1</td>' in page
    metrics = client.get("/metrics").content.decode()
    assert 'kitchen_turns_live{state="deferred"} 1.0' in metrics
    assert float(metrics.split('\nkitchen_model_outage_seconds{model="Tutor"} ')[1].split()[0]) > 100
