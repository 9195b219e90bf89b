from uuid import uuid4

import pytest
from django.conf import settings

from chat.errors import QuestionTooLong
from chat.models import Turn, TurnState
from chat.prompt import MIN_ANSWER_TOKENS, build_memory, build_prompt, get_answer_room
from inference.tokens import estimate_max_tokens, estimate_tokens


def turn(question: str, answer: str = "It is.", state: TurnState = TurnState.ANSWERED) -> Turn:
    return Turn(pk=uuid4(), question=question, answer=answer, state=state)


def test_the_newest_turns_that_fit_are_carried_whole_and_in_order() -> None:
    past = [turn("old " * 200), turn("first"), turn("second")]
    asked = [message["content"] for message in build_memory(past, window=100)]
    assert asked == ["first", "It is.", "second", "It is."]


def test_cost_stays_flat_however_long_the_conversation_grows() -> None:
    few, many = (
        [turn(f"question number {n % 10}", "word " * 60) for n in range(count)] for count in (10, 500)
    )
    cost = {build_prompt("why", past=past).tokens_at_most for past in (few, many)}
    assert max(cost) - min(cost) < 10


@pytest.mark.parametrize("state", [TurnState.ANSWERED, TurnState.STOPPED, TurnState.FAILED])
def test_visible_answers_are_carried_even_if_they_broke_off(state: TurnState) -> None:
    assert [
        message["content"] for message in build_memory([turn("hard", "half an", state)], window=1000)
    ] == [
        "hard",
        "half an",
    ]


@pytest.mark.parametrize(
    "state",
    [state for state in TurnState if state not in {TurnState.ANSWERED, TurnState.STOPPED, TurnState.FAILED}],
)
def test_unanswered_questions_are_not_repeated_to_the_model(state: TurnState) -> None:
    assert build_memory([turn("hard", "half an", state)], window=1000) == []


def test_a_prompt_has_the_instructions_then_the_last_question() -> None:
    prompt = build_prompt("Why is the sky blue?", past=[turn("before")])
    assert [message["role"] for message in prompt.messages] == ["system", "user", "assistant", "user"]
    assert prompt.messages[-1]["content"] == "Why is the sky blue?"
    assert "not a person" in prompt.messages[0]["content"]


def test_a_brief_prompt_asks_for_a_short_answer() -> None:
    assert "short sentences" in build_prompt("why", past=[], is_brief=True).messages[0]["content"]


def test_prompt_and_answer_always_fit_the_models_context() -> None:
    past = [turn("question " * 40, "answer " * 200) for _ in range(20)]
    for question in ("why", "why " * 400):
        prompt = build_prompt(question, past=past)
        assert prompt.tokens_at_most + get_answer_room(prompt) <= settings.TUTOR_CONTEXT_TOKENS
        assert MIN_ANSWER_TOKENS <= get_answer_room(prompt) <= settings.TUTOR_ANSWER_TOKENS


def test_a_question_that_leaves_no_room_is_too_long() -> None:
    with pytest.raises(QuestionTooLong):
        build_prompt("🫖" * 8000, past=[])


@pytest.mark.parametrize(
    "text", ["", "Why is the sky blue?", "¿Por qué?", "水はなぜ青い", "🫖" * 20, "{}[]();" * 9]
)
def test_the_bound_is_never_under_the_estimate(text: str) -> None:
    assert estimate_max_tokens(text) >= estimate_tokens(text)
