"""Homework is helped with step by step, by buttons under an answer that are turns like any question (ADR 68)."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import Person
from budgets.models import Hold
from chat.asking.follow_ups import ask_follow_up
from chat.asking.services import start_turn
from chat.errors import FollowUpNotOffered
from chat.memory.services import set_conversation_memory
from chat.method.ladder import HelpStep
from chat.method.reading import FollowUp
from chat.model_choice import build_turn_prompt, load_prompt_parts
from chat.models import Turn, TurnState
from chat.prompt_profiles import FULL, SMALL
from chat.selectors import list_follow_ups
from routing.registry import create_settings_model
from tests.chat.conftest import Ask, Judged
from tests.chat.verdicts import METHOD
from tests.markup import squeezed
from tests.rest.problems import require_problem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unnudged")]

TASK = "Solve 2x + 3 = 11"


def end(turn: Turn, answer: str = "Take 3 from both sides.") -> Turn:
    Turn.objects.filter(pk=turn.pk).update(state=TurnState.ANSWERED, answer=answer, ended_at=timezone.now())
    turn.refresh_from_db()
    return turn


@pytest.fixture
def homework(teen: Person, ask: Ask) -> Turn:
    """An answered question for homework."""
    return end(ask(teen, TASK))


@pytest.fixture
def owner(as_person: Callable[[Person], Client], teen: Person) -> Client:
    return as_person(teen)


def press(turn: Turn, follow_up: FollowUp, text: str = "", turn_id: UUID | None = None) -> Turn:
    person = turn.conversation.owner
    started = ask_follow_up(
        person=person, about=turn, follow_up=follow_up, turn_id=turn_id or uuid4(), text=text
    )
    return started.turn


def read_page(client: Client, turn: Turn) -> str:
    return squeezed(client.get(reverse("chat:conversation", args=[turn.conversation_id])).content.decode())


def list_buttons(page: str) -> list[str]:
    return re.findall(r'name="follow_up" value="\w+">([^<]+)</button>', page)


def read_prompt(turn: Turn) -> list[str]:
    turn.refresh_from_db()
    prompt = build_turn_prompt(
        turn, load_prompt_parts(turn), model=turn.tutor_model or create_settings_model()
    )
    return [message["content"] for message in prompt.messages]


class TestHomework:
    def test_begins_with_what_the_learner_has_tried(self, homework: Turn, owner: Client) -> None:
        assert homework.step == HelpStep.TRY
        assert FULL.step_instructions[HelpStep.TRY] in read_prompt(homework)[-1]
        page = read_page(owner, homework)
        assert list_buttons(page) == ["Hint"]
        assert "Check my step" in page
        assert "After a try of yours, right or wrong, you can ask for the whole way." in page
        assert f'href="{reverse("using")}#hints">Why hints first?' in page

    def test_gets_a_bigger_hint_with_each_press(self, homework: Turn) -> None:
        turn, questions = homework, []
        for _press in range(4):
            turn = press(turn, FollowUp.HINT)
            questions.append((turn.question, turn.step))
            end(turn)
        assert questions == [
            ("Give me a hint.", HelpStep.HINT),
            ("Give me a bigger hint.", HelpStep.BIGGER_HINT),
            ("Show me a similar example.", HelpStep.EXAMPLE),
            ("Show me another example.", HelpStep.EXAMPLE),
        ]

    def test_is_told_whole_only_after_an_attempt(self, homework: Turn, owner: Client) -> None:
        with pytest.raises(FollowUpNotOffered):
            press(homework, FollowUp.WHOLE)
        checked = end(press(homework, FollowUp.CHECK, "I get 2x = 14"))
        assert (checked.step, checked.has_attempt) == (HelpStep.CHECK, True)
        assert "Just tell me" in list_buttons(read_page(owner, checked))
        assert press(checked, FollowUp.WHOLE).step == HelpStep.WHOLE

    def test_an_attempt_may_simply_be_written(self, homework: Turn, ask: Ask, teen: Person) -> None:
        turn = ask(teen, "is x = 7?", conversation=homework.conversation)
        assert (turn.step, turn.task_id, turn.about_id) == (HelpStep.CHECK, homework.pk, homework.pk)
        assert FULL.step_instructions[HelpStep.CHECK] in read_prompt(turn)[-1]

    def test_just_tell_me_without_an_attempt_gets_the_next_hint(
        self, homework: Turn, ask: Ask, teen: Person
    ) -> None:
        turn = ask(teen, "just tell me", conversation=homework.conversation)
        assert (turn.step, turn.has_attempt) == (HelpStep.HINT, False)

    def test_a_card_in_between_changes_nothing(self, homework: Turn, ask: Ask, teen: Person) -> None:
        carded = ask(teen, "I want to kill myself", conversation=homework.conversation)
        assert (carded.state, carded.step, carded.kind) == (TurnState.CARDED, "", "")
        Turn.objects.filter(pk=carded.pk).update(resumed_at=timezone.now())
        assert ask(teen, "hint", conversation=homework.conversation).step == HelpStep.HINT

    def test_the_small_model_is_told_in_few_words(self, homework: Turn, settings: Any) -> None:
        settings.TUTOR_PROMPT_PROFILE = "small"
        turn = press(homework, FollowUp.HINT)
        assert read_prompt(turn)[-1].endswith(SMALL.step_instructions[HelpStep.HINT])


class TestAFact:
    def test_is_answered_directly(self, teen: Person, ask: Ask, owner: Client) -> None:
        turn = ask(teen, "Why is the sky blue?")
        assert (turn.kind, turn.step) == ("direct", "")
        assert FULL.direct_instruction in read_prompt(turn)[-1]
        page = read_page(owner, end(turn))
        assert list_buttons(page) == ["Explain differently", "Simpler", "Quiz me"]
        assert "Why hints first?" not in page

    @pytest.mark.parametrize("follow_up", [FollowUp.HINT, FollowUp.WHOLE, FollowUp.CHECK])
    def test_has_no_hints(self, follow_up: FollowUp, teen: Person, ask: Ask) -> None:
        turn = end(ask(teen, "Why is the sky blue?"))
        with pytest.raises(FollowUpNotOffered):
            press(turn, follow_up)

    def test_what_is_said_again_is_about_the_same_lessons(
        self, teen: Person, ask: Ask, library: None
    ) -> None:
        turn = end(ask(teen, "What is a token?"))
        assert press(turn, FollowUp.SIMPLER).passages == turn.passages != []


def test_talk_has_no_buttons(teen: Person, ask: Ask) -> None:
    assert list_follow_ups(end(ask(teen, "thanks!"), "You are welcome.")) == []


def test_someone_who_comes_out_is_offered_no_quiz(teen: Person, ask: Ask) -> None:
    assert list_follow_ups(end(ask(teen, "I think I am gay, how do I tell my mom?"))) == []


class TestAFollowUp:
    def test_costs_as_one_turn(self, homework: Turn) -> None:
        before = Hold.objects.count()
        press(homework, FollowUp.HINT)
        assert Hold.objects.count() == before + 1

    def test_posted_twice_is_asked_once(self, homework: Turn) -> None:
        turn_id = uuid4()
        assert press(homework, FollowUp.HINT, turn_id=turn_id) == press(
            homework, FollowUp.HINT, turn_id=turn_id
        )
        assert homework.conversation.turns.count() == 2

    def test_is_judged_as_any_question(self, homework: Turn) -> None:
        assert press(homework, FollowUp.CHECK, "I want to kill myself").state == TurnState.CARDED

    def test_is_judged_even_where_it_is_not_offered(self, teen: Person, ask: Ask) -> None:
        turn = end(ask(teen, "Why is the sky blue?"))
        assert press(turn, FollowUp.CHECK, "I want to kill myself").state == TurnState.CARDED

    def test_that_the_guard_refuses_is_no_step(self, homework: Turn, judged: Judged) -> None:
        judged(METHOD)
        turn = press(homework, FollowUp.CHECK, "x = 4")
        assert (turn.state, turn.step) == (TurnState.REFUSED, "")

    def test_carries_the_task_even_without_memory(self, teen: Person, ask: Ask) -> None:
        conversation = end(ask(teen, "Why is the sky blue?")).conversation
        set_conversation_memory(conversation=conversation, is_on=False)
        homework = end(ask(teen, TASK, conversation=conversation))
        prompt = read_prompt(press(homework, FollowUp.HINT))
        assert [TASK, homework.answer] == prompt[1:3]
        assert "Why is the sky blue?" not in prompt

    def test_is_retried_as_the_same_step(self, homework: Turn, teen: Person) -> None:
        failed = press(homework, FollowUp.HINT)
        Turn.objects.filter(pk=failed.pk).update(state=TurnState.FAILED, ended_at=timezone.now())
        failed.refresh_from_db()
        retry = start_turn(
            person=teen,
            turn_id=uuid4(),
            question=failed.question,
            conversation=failed.conversation,
            retry_of=failed,
        ).turn
        assert (retry.step, retry.hints, retry.about_id) == (HelpStep.HINT, 1, homework.pk)

    def test_speaks_the_language_of_the_page(self, homework: Turn) -> None:
        with translation.override("es"):
            assert press(homework, FollowUp.HINT).question == "Dame una pista."


class TestTheForm:
    def test_works_without_javascript(self, homework: Turn, owner: Client) -> None:
        reply = owner.post(
            reverse("chat:turn_follow_up", args=[homework.pk]), {"follow_up": "hint", "turn_id": str(uuid4())}
        )
        turn = homework.conversation.turns.get(step="hint")
        assert reply.status_code == 302
        assert reply.headers["Location"].endswith(f"#turn-{turn.pk}")

    def test_of_a_page_with_javascript_adds_the_turn_and_the_composer(
        self, homework: Turn, owner: Client
    ) -> None:
        reply = owner.post(
            reverse("chat:turn_follow_up", args=[homework.pk]),
            {"follow_up": "check", "attempt": "x = 4", "turn_id": str(uuid4())},
            headers={"HX-Request": "true"},
        ).content.decode()
        assert "x = 4" in reply
        assert 'id="composer"' in reply

    def test_another_button_with_the_same_id_is_another_question(self, homework: Turn, owner: Client) -> None:
        address, turn_id = reverse("chat:turn_follow_up", args=[homework.pk]), str(uuid4())
        owner.post(address, {"follow_up": "hint", "turn_id": turn_id})
        end(homework.conversation.turns.get(step="hint"))
        owner.post(address, {"follow_up": "simpler", "turn_id": turn_id})
        assert homework.conversation.turns.count() == 3

    @pytest.mark.parametrize("follow_up", ["", "whole", "everything"])
    def test_says_what_to_do_first(self, follow_up: str, homework: Turn, owner: Client) -> None:
        reply = owner.post(reverse("chat:turn_follow_up", args=[homework.pk]), {"follow_up": follow_up})
        assert reply.status_code == 422
        assert "Show a step of yours first" in reply.content.decode()


class TestGradeAndGoal:
    HINT = "Say your grade and your goal once."

    def test_are_asked_for_once_in_a_conversation(
        self, homework: Turn, ask: Ask, teen: Person, owner: Client
    ) -> None:
        assert self.HINT in read_page(owner, homework)
        later = end(ask(teen, "Solve 5x = 35", conversation=homework.conversation))
        assert not later.asks_level

    @pytest.mark.parametrize("question", [f"I'm in 8th grade. {TASK}", f"Estoy en secundaria. {TASK}"])
    def test_are_not_asked_for_if_they_were_said(self, question: str, teen: Person, ask: Ask) -> None:
        assert not ask(teen, question).asks_level

    def test_are_not_asked_for_where_nothing_is_noted(self, homework: Turn, teen: Person, ask: Ask) -> None:
        conversation = end(ask(teen, "Why is the sky blue?")).conversation
        set_conversation_memory(conversation=conversation, is_on=False)
        assert not ask(teen, TASK, conversation=conversation).asks_level


class TestTheApi:
    def test_offers_and_takes_follow_ups(self, homework: Turn, owner: Client) -> None:
        shown = owner.get(reverse("chat_api:turn", args=[homework.pk])).json()
        assert (shown["step"], shown["follow_ups"]) == ("try", ["hint", "check"])
        key = str(uuid4())
        for status in (201, 200):
            reply = owner.post(
                reverse("chat_api:turn_follow_up", args=[homework.pk]),
                {"follow_up": "hint"},
                content_type="application/json",
                headers={"Idempotency-Key": key},
            )
            assert reply.status_code == status
            assert (reply.json()["id"], reply.json()["about"]) == (key, str(homework.pk))

    def test_says_that_something_is_not_offered(self, homework: Turn, owner: Client) -> None:
        reply = owner.post(
            reverse("chat_api:turn_follow_up", args=[homework.pk]),
            {"follow_up": "whole"},
            content_type="application/json",
            headers={"Idempotency-Key": str(uuid4())},
        )
        require_problem(reply, "follow-up-not-offered", 409)
