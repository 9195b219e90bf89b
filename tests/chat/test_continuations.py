"""An unfinished answer is continued in a new turn, which passes the same checks as any question (ADR 34)."""

from collections.abc import Callable
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import Person
from budgets.errors import InsufficientBudget
from budgets.models import Hold
from chat.asking.follow_ups import continue_turn, retry_turn
from chat.errors import FamilyClosed, StillAnswering
from chat.models import EndReason, Turn, TurnState
from chat.prompt import CONTINUED_TOKENS, MIN_ANSWER_TOKENS, build_prompt, get_answer_room
from chat.prompt_profiles import FULL
from chat.selectors import can_continue, get_continued_turns, list_shown_turns
from families.models import Consent
from inference.tokens import estimate_max_tokens
from tests.budgets.ledger import set_budget
from tests.chat.conftest import Ask, written
from tests.chat.test_retries import end
from tests.markup import squeezed
from tests.rest.problems import TURNS, require_problem

pytestmark = [pytest.mark.usefixtures("unnudged")]

QUESTION = "How do rain, rivers and the sea belong together?"
SO_FAR = "Rain falls on the hills. It runs into rivers, and the rivers carry"


@pytest.fixture
def unfinished(teen: Person, ask: Ask) -> Turn:
    """An answer that stopped in mid-sentence because no page was open."""
    return end(ask(teen, QUESTION), TurnState.STOPPED, EndReason.UNREAD, SO_FAR)


def continue_answer(turn: Turn, turn_id: object = None) -> Turn:
    turn.refresh_from_db()
    return continue_turn(
        person=turn.conversation.owner,
        turn=turn,
        turn_id=turn_id or uuid4(),  # type: ignore[arg-type]
    ).turn


def list_prompt_messages(turn: Turn) -> list[str]:
    """Return the messages for the model after the instructions."""
    prompt = build_prompt(
        turn.question,
        remembered=(),
        memory_tokens=turn.memory_tokens,
        continued=get_continued_turns([turn])[turn.pk],
    )
    return [message["content"] for message in prompt.conversation]


@pytest.fixture
def client_of_teen(as_person: Callable[[Person], Client], teen: Person) -> Client:
    return as_person(teen)


def read_turn_page(client_of_teen: Client, turn: Turn) -> str:
    return squeezed(
        client_of_teen.get(reverse("chat:conversation", args=[turn.conversation_id])).content.decode()
    )


class TestWhichTurnsCanBeContinued:
    @pytest.mark.parametrize(
        ("state", "end_reason", "answer", "can"),
        [
            (TurnState.STOPPED, EndReason.UNREAD, SO_FAR, True),
            (TurnState.STOPPED, EndReason.STOPPED_BY_ASKER, SO_FAR, True),
            (TurnState.FAILED, EndReason.WORKER_LOST, SO_FAR, True),
            (TurnState.ANSWERED, EndReason.LENGTH_LIMIT, SO_FAR, True),
            (TurnState.ANSWERED, EndReason.NONE, SO_FAR, False),
            # It was shortened on purpose, because the remote guard was unavailable.
            (TurnState.ANSWERED, EndReason.NO_REMOTE_GUARD, SO_FAR, False),
            (TurnState.STOPPED, EndReason.STOPPED_BY_ASKER, "", False),
            (TurnState.FAILED, EndReason.MODEL_UNREACHABLE, "", False),
            (TurnState.CUT, EndReason.METHOD, "", False),
            (TurnState.CARDED, EndReason.NONE, "", False),
        ],
    )
    def test_an_answer_that_has_words_and_no_end(
        self, state: TurnState, end_reason: EndReason, answer: str, can: bool
    ) -> None:
        assert can_continue(Turn(state=state, end_reason=end_reason, answer=answer)) is can

    def test_any_other_turn_is_returned_unchanged(self, teen: Person, ask: Ask) -> None:
        whole = end(ask(teen, QUESTION), TurnState.ANSWERED, EndReason.NONE, "All of it.")
        assert continue_answer(whole) == whole
        assert Turn.objects.count() == 1


class TestTheNewTurn:
    def test_is_a_question_of_its_own_that_continues_the_other(self, unfinished: Turn) -> None:
        following = continue_answer(unfinished)
        assert (following.question, following.continues, following.state) == (
            "Go on.",
            unfinished,
            TurnState.QUEUED,
        )
        assert list(list_shown_turns(unfinished.conversation)) == [unfinished, following]

    def test_asks_in_the_language_of_its_page(self, unfinished: Turn) -> None:
        with translation.override("es"):
            following = continue_answer(unfinished)
        assert (following.question, following.language) == ("Sigue.", "es")

    def test_is_answered_from_the_same_passages(self, library: None, teen: Person, ask: Ask) -> None:
        turn = end(
            ask(teen, "What is a token in a language model?"), TurnState.STOPPED, EndReason.UNREAD, SO_FAR
        )
        assert turn.passages
        assert continue_answer(turn).passages == turn.passages

    def test_carries_question_and_answer_so_far_though_the_plan_remembers_nothing(
        self, unfinished: Turn, teen: Person
    ) -> None:
        following = continue_answer(unfinished)
        Turn.objects.filter(pk=following.pk).update(memory_tokens=0)
        following.refresh_from_db()
        assert list_prompt_messages(following) == [QUESTION, SO_FAR, "Go on."]

    def test_holds_what_its_prompt_and_answer_may_cost(self, unfinished: Turn) -> None:
        following = continue_answer(unfinished)
        prompt_tokens = sum(map(estimate_max_tokens, list_prompt_messages(following)))
        assert Hold.objects.get(key=following.pk).tokens > prompt_tokens + following.max_answer_tokens

    def test_may_be_continued_itself_and_then_carries_the_first_question(self, unfinished: Turn) -> None:
        second = end(
            continue_answer(unfinished),
            TurnState.ANSWERED,
            EndReason.LENGTH_LIMIT,
            "their water to the sea. There",
        )
        third = continue_answer(second)
        assert list_prompt_messages(third) == [QUESTION, f"{SO_FAR} their water to the sea. There", "Go on."]

    def test_keeps_what_it_continues_when_it_is_retried(self, unfinished: Turn, teen: Person) -> None:
        following = end(continue_answer(unfinished), TurnState.FAILED, EndReason.MODEL_UNREACHABLE)
        again = retry_turn(person=teen, failed=following, turn_id=uuid4()).turn
        assert (again.continues, again.question) == (unfinished, "Go on.")
        assert list_prompt_messages(again) == [QUESTION, SO_FAR, "Go on."]

    @pytest.mark.django_db(transaction=True)
    def test_is_answered_by_a_worker(self, teen: Person, ask: Ask) -> None:
        turn = end(ask(teen, QUESTION), TurnState.STOPPED, EndReason.UNREAD, SO_FAR)
        following = written(continue_answer(turn))
        # On some processors this small model says something that the output gate stops.
        assert following.state in {TurnState.ANSWERED, TurnState.CUT}, following.end_reason
        assert following.answer or following.state == TurnState.CUT


class TestThePrompt:
    def build_unfinished(self, answer: str, question: str = QUESTION) -> Turn:
        return Turn(pk=uuid4(), question=question, answer=answer, state=TurnState.STOPPED)

    def test_says_to_go_on_without_repeating(self) -> None:
        prompt = build_prompt("Go on.", remembered=(), continued=[self.build_unfinished(SO_FAR)])
        assert FULL.continue_instruction in prompt.messages[-1]["content"]
        assert [message["role"] for message in prompt.messages] == ["system", "user", "assistant", "user"]

    def test_carries_nothing_twice(self) -> None:
        turn = self.build_unfinished(SO_FAR)
        prompt = build_prompt("Go on.", remembered=[turn], continued=[turn])
        assert [message["content"] for message in prompt.messages].count(SO_FAR) == 1

    def test_defuses_template_marks_in_the_earlier_question_and_answer(self) -> None:
        prompt = build_prompt(
            "Go on.", remembered=(), continued=[self.build_unfinished("a <|im_end|> b", "x <|im_start|> y")]
        )
        assert "<|im" not in "".join(message["content"] for message in prompt.messages)

    def test_carries_the_end_of_a_long_answer_from_the_beginning_of_a_sentence(self) -> None:
        answer = (
            " ".join(f"This is sentence number {number}." for number in range(300)) + " And the rivers carry"
        )
        carried = build_prompt("Go on.", remembered=(), continued=[self.build_unfinished(answer)]).messages[
            2
        ]["content"]
        assert carried.startswith("This is sentence number")
        assert carried.endswith("And the rivers carry")
        assert estimate_max_tokens(carried) <= CONTINUED_TOKENS

    @pytest.mark.parametrize("question", ["why " * 20, "why " * 400, "¿por qué? " * 60])
    @pytest.mark.parametrize("answer", ["word " * 2000, "x" * 9000, "水" * 900])
    def test_fits_the_models_context_with_room_for_an_answer(self, question: str, answer: str) -> None:
        prompt = build_prompt("Go on.", remembered=(), continued=[self.build_unfinished(answer, question)])
        assert prompt.tokens_at_most + get_answer_room(prompt) <= settings.TUTOR_CONTEXT_TOKENS
        assert get_answer_room(prompt) >= MIN_ANSWER_TOKENS


class TestItsChecks:
    """As for any question."""

    def test_consent(self, unfinished: Turn, teen: Person) -> None:
        Consent.objects.filter(teen=teen).delete()
        with pytest.raises(FamilyClosed):
            continue_answer(unfinished)

    def test_budget(self, unfinished: Turn, teen: Person) -> None:
        set_budget(teen, tokens=20)
        with pytest.raises(InsufficientBudget):
            continue_answer(unfinished)

    def test_another_question_that_is_being_answered(self, unfinished: Turn, teen: Person, ask: Ask) -> None:
        ask(teen, "And the moon?", conversation=unfinished.conversation)
        with pytest.raises(StillAnswering):
            continue_answer(unfinished)


class TestPressingItTwice:
    def test_with_the_same_id(self, unfinished: Turn) -> None:
        turn_id = uuid4()
        assert continue_answer(unfinished, turn_id) == continue_answer(unfinished, turn_id)

    def test_in_an_old_tab_after_it_was_continued(self, unfinished: Turn) -> None:
        following = end(
            continue_answer(unfinished), TurnState.ANSWERED, EndReason.NONE, "their water to the sea."
        )
        assert continue_answer(unfinished) == following
        assert unfinished.continuations.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_with_two_ids_at_once(self, unfinished: Turn) -> None:
        continuations: list[Turn] = []

        def press() -> None:
            try:
                continuations.append(continue_answer(Turn.objects.get(pk=unfinished.pk)))
            finally:
                connection.close()

        presses = [Thread(target=press) for _ in range(5)]
        for thread in presses:
            thread.start()
        for thread in presses:
            thread.join()
        assert len(continuations) == 5
        assert set(continuations) == {unfinished.continuations.get()}


class TestOnThePage:
    def test_continue_comes_first_if_no_page_was_open(self, unfinished: Turn, client_of_teen: Client) -> None:
        page_html = read_turn_page(client_of_teen, unfinished)
        assert "no page was open to read it" in page_html
        assert 0 < page_html.index(">Continue<") < page_html.index(">Retry<")

    def test_it_comes_after_retry_if_the_asker_stopped_the_answer(
        self, teen: Person, ask: Ask, client_of_teen: Client
    ) -> None:
        turn = end(ask(teen, QUESTION), TurnState.STOPPED, EndReason.STOPPED_BY_ASKER, SO_FAR)
        page_html = read_turn_page(client_of_teen, turn)
        assert 0 < page_html.index(">Retry<") < page_html.index(">Continue<")

    def test_it_is_the_only_button_if_an_answer_reached_its_length_limit(
        self, teen: Person, ask: Ask, client_of_teen: Client
    ) -> None:
        page_html = read_turn_page(
            client_of_teen, end(ask(teen, QUESTION), TurnState.ANSWERED, EndReason.LENGTH_LIMIT, SO_FAR)
        )
        assert ">Continue<" in page_html
        assert ">Retry<" not in page_html

    def test_it_is_gone_once_the_answer_is_continued_and_so_is_retry(
        self, unfinished: Turn, client_of_teen: Client
    ) -> None:
        end(continue_answer(unfinished), TurnState.ANSWERED, EndReason.NONE, "their water to the sea.")
        page_html = read_turn_page(client_of_teen, unfinished)
        assert ">Continue<" not in page_html
        assert ">Retry<" not in page_html

    def test_it_waits_while_the_turn_is_retried(
        self, unfinished: Turn, teen: Person, client_of_teen: Client
    ) -> None:
        retry_turn(person=teen, failed=unfinished, turn_id=uuid4())
        assert ">Continue<" not in read_turn_page(client_of_teen, unfinished)

    def test_pressing_it_adds_the_new_turn(self, unfinished: Turn, client_of_teen: Client) -> None:
        turn_id = uuid4()
        reply = client_of_teen.post(
            reverse("chat:turn_continue", args=[unfinished.pk]),
            {"turn_id": turn_id},
            headers={"HX-Request": "true"},
        )
        swaps = squeezed(reply.content.decode())
        assert 'hx-target="#turns" hx-swap="beforeend' in swaps
        assert f'id="turn-{turn_id}"' in swaps
        assert ">Continue<" not in swaps

    def test_without_javascript_the_page_comes_back_at_the_new_turn(
        self, unfinished: Turn, client_of_teen: Client
    ) -> None:
        turn_id = uuid4()
        reply = client_of_teen.post(reverse("chat:turn_continue", args=[unfinished.pk]), {"turn_id": turn_id})
        assert reply.headers["Location"].endswith(f"#turn-{turn_id}")

    def test_the_reason_for_a_rejection_is_shown_beside_the_composer(
        self, unfinished: Turn, teen: Person, client_of_teen: Client
    ) -> None:
        set_budget(teen, tokens=20)
        reply = client_of_teen.post(
            reverse("chat:turn_continue", args=[unfinished.pk]),
            {"turn_id": uuid4()},
            headers={"HX-Request": "true"},
        )
        assert reply.status_code == 422
        assert "You have used your allowance." in reply.content.decode()


class TestThroughTheApi:
    def post(self, client: Client, turn: Turn, key: object = None) -> Any:
        return client.post(f"{TURNS}/{turn.pk}/continue", headers={"Idempotency-Key": str(key or uuid4())})

    def test_it_is_asked_for_with_a_key(self, unfinished: Turn, client_of_teen: Client) -> None:
        key = uuid4()
        reply = self.post(client_of_teen, unfinished, key)
        assert reply.status_code == 201
        body = reply.json()
        assert (body["id"], body["continues"], body["question"]) == (str(key), str(unfinished.pk), "Go on.")

    def test_asking_again_returns_the_same_turn(self, unfinished: Turn, client_of_teen: Client) -> None:
        first, second = self.post(client_of_teen, unfinished), self.post(client_of_teen, unfinished)
        assert second.status_code == 200
        assert second.json()["id"] == first.json()["id"]

    def test_a_key_of_another_question_is_rejected(
        self, unfinished: Turn, teen: Person, ask: Ask, client_of_teen: Client
    ) -> None:
        other = end(ask(teen, "And the moon?"), TurnState.ANSWERED, EndReason.NONE, "It pulls.")
        require_problem(self.post(client_of_teen, unfinished, other.pk), "key-reused", 422)

    def test_without_a_key_nothing_is_asked(self, unfinished: Turn, client_of_teen: Client) -> None:
        require_problem(client_of_teen.post(f"{TURNS}/{unfinished.pk}/continue"), "key-missing", 400)

    def test_a_whole_answer_cannot_be_continued(self, teen: Person, ask: Ask, client_of_teen: Client) -> None:
        whole = end(ask(teen, QUESTION), TurnState.ANSWERED, EndReason.NONE, "All of it.")
        require_problem(self.post(client_of_teen, whole), "nothing-to-continue", 409)

    def test_another_persons_turn_is_not_found(
        self, unfinished: Turn, stranger: Person, as_person: Callable[[Person], Client]
    ) -> None:
        require_problem(self.post(as_person(stranger), unfinished), "not-found", 404)
