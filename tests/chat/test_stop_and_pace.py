"""A stopped tutor and a plan's pace are told before anyone types, and never touch help in a crisis."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone, translation

from accounts.models import Person
from budgets.allowances import assign_plan, load_plans, set_site_stopped
from budgets.errors import SiteStopped
from budgets.models import Plan, StopReason
from chat.asking.services import start_turn
from chat.models import Conversation, Turn, TurnState
from chat.turns.pace import find_pace_end, shorten_for_pace
from tests.markup import squeezed

AsPerson = Callable[[Person], Client]
CRISIS = "I want to kill myself tonight"


def stop(by: Person, reason: StopReason = StopReason.FAULT) -> None:
    assert set_site_stopped(is_stopped=True, reason=reason, note="The key leaked.", by=by)


def read(client: Client, path: str = "/tutor/") -> str:
    return squeezed(client.get(path).content.decode())


class TestStopped:
    def test_a_teen_reads_why_before_they_type(
        self, teen: Person, admin_person: Person, as_person: AsPerson
    ) -> None:
        stop(admin_person)
        page = read(as_person(teen))
        assert "The tutor is stopped" in page
        assert "Something isn’t working as it should, and we’re fixing it." in page
        assert "Write here if you need help" in page
        assert "Lessons and their quizzes are open" in page
        # Neither who stopped it, nor a word that an admin typed.
        assert str(admin_person) not in page
        assert "leaked" not in page

    def test_in_spanish_too(self, teen: Person, admin_person: Person, as_person: AsPerson) -> None:
        stop(admin_person)
        client = as_person(teen)
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = "es"
        with translation.override("es"):
            assert str(StopReason.FAULT.label) in read(client)
        assert "isn’t working" not in read(client)

    def test_a_parent_reads_who_stopped_it_and_when(
        self, parent: Person, admin_person: Person, as_person: AsPerson
    ) -> None:
        stop(admin_person, StopReason.COST)
        page = read(as_person(parent))
        assert f"It has used more than was planned. Stopped by {admin_person} on" in page
        assert "leaked" not in page

    def test_a_question_is_refused_with_the_reason_and_a_crisis_gets_its_card(
        self, teen: Person, admin_person: Person, as_person: AsPerson
    ) -> None:
        stop(admin_person)
        client = as_person(teen)
        refused = client.post("/tutor/ask", {"question": "What is bias?", "turn_id": str(uuid4())})
        assert "Something isn’t working as it should" in refused.content.decode()
        with pytest.raises(SiteStopped):
            start_turn(person=teen, turn_id=uuid4(), question="What is bias?")
        assert start_turn(person=teen, turn_id=uuid4(), question=CRISIS).turn.state == TurnState.CARDED

    def test_when_it_starts_again_the_page_is_as_before(
        self, teen: Person, admin_person: Person, as_person: AsPerson
    ) -> None:
        stop(admin_person)
        set_site_stopped(is_stopped=False, by=admin_person)
        page = read(as_person(teen))
        assert "The tutor is stopped" not in page
        assert "Your question" in page

    def test_a_program_reads_it_with_the_meter(
        self, teen: Person, admin_person: Person, as_person: AsPerson
    ) -> None:
        stop(admin_person)
        body = as_person(teen).get("/api/v1/budget").json()
        assert body["stop_reason"] == "Something isn’t working as it should, and we’re fixing it."


@pytest.fixture
def paced(teen: Person) -> Person:
    """A teen on a plan with three answers an hour."""
    load_plans()
    plan = Plan.objects.create(slug="paced", name="Paced", tokens=500_000, answers_per_hour=3)
    assign_plan(owner=teen, plan=plan)
    return teen


def answer(person: Person, *, minutes_ago: int, state: TurnState = TurnState.ANSWERED) -> Turn:
    conversation = Conversation.objects.create(owner=person, title="T")
    return Turn.objects.create(
        pk=uuid4(),
        conversation=conversation,
        question="Q",
        answer="A",
        state=state,
        ended_at=timezone.now(),
        asked_at=timezone.now() - timedelta(minutes=minutes_ago),
    )


class TestPace:
    def test_below_the_pace_nothing_changes(self, paced: Person, as_person: AsPerson) -> None:
        for minutes in (5, 10):
            answer(paced, minutes_ago=minutes)
        assert "Answers are short" not in read(as_person(paced))
        turn = start_turn(person=paced, turn_id=uuid4(), question="What is bias?").turn
        assert not turn.is_brief

    def test_above_it_answers_are_short_and_the_meter_says_so_first(
        self, paced: Person, as_person: AsPerson
    ) -> None:
        oldest = answer(paced, minutes_ago=50)
        for minutes in (5, 10):
            answer(paced, minutes_ago=minutes)
        assert "You’ve asked a lot within an hour. Answers are short until that has passed" in read(
            as_person(paced)
        )
        turn = start_turn(person=paced, turn_id=uuid4(), question="What is bias?").turn
        assert (turn.is_brief, turn.brief_scope) == (True, "pace")
        # Half of the 120 tokens that the model's answers have.
        assert turn.max_answer_tokens == 60
        assert turn.refills_at == oldest.asked_at + timedelta(hours=1)
        assert "This answer is short because you had asked a lot within an hour." in read_ended(
            turn, as_person(paced)
        )

    def test_the_hour_passes(self, paced: Person) -> None:
        for minutes in (61, 62, 63, 10, 5):
            answer(paced, minutes_ago=minutes)
        assert find_pace_end(paced, answers_per_hour=3) is None

    def test_cards_and_failures_are_no_answers(self, paced: Person) -> None:
        for state in (TurnState.CARDED, TurnState.PAUSED, TurnState.REFUSED, TurnState.FAILED):
            answer(paced, minutes_ago=5, state=state)
        assert find_pace_end(paced, answers_per_hour=3) is None

    def test_a_crisis_is_never_slowed(self, paced: Person) -> None:
        for _ in range(5):
            answer(paced, minutes_ago=1)
        turn = start_turn(person=paced, turn_id=uuid4(), question=CRISIS).turn
        assert (turn.state, turn.is_brief) == (TurnState.CARDED, False)

    def test_a_plan_without_a_pace_asks_the_database_nothing(
        self, teen: Person, django_assert_num_queries: Callable[[int], object]
    ) -> None:
        with django_assert_num_queries(0):  # type: ignore[attr-defined]
            assert find_pace_end(teen, answers_per_hour=None) is None

    @pytest.mark.parametrize(("usual", "short"), [(1200, 150), (120, 60), (80, 60), (40, 40)])
    def test_a_short_answer_is_still_an_answer(self, usual: int, short: int) -> None:
        assert shorten_for_pace(usual, least=60) == short

    def test_another_persons_answers_do_not_count(self, paced: Person, parent: Person) -> None:
        for _ in range(5):
            answer(parent, minutes_ago=1)
        assert find_pace_end(paced, answers_per_hour=3) is None


def read_ended(turn: Turn, client: Client) -> str:
    Turn.objects.filter(pk=turn.pk).update(
        state=TurnState.ANSWERED, answer="It leans one way.", ended_at=timezone.now()
    )
    return read(client, f"/tutor/{turn.conversation_id}")
