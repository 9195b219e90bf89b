"""A quiz is taken from a model's text only if all of it has the form that was asked for."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.method.quizzes import QuizSource, check_choices, load_quiz, parse_quiz

SEED = UUID(int=7)
ONE = "Q: What is half of 8?\nRIGHT: 4\nWRONG: 2\nWRONG: 16\nWHY: 4 + 4 is 8."
TWO = "Q: Which is larger?\nRIGHT: 3/4\nWRONG: 1/2\nWHY: 3/4 is one quarter more."


def test_the_form_that_was_asked_for_is_a_quiz() -> None:
    quiz = parse_quiz(f"{ONE}\n\n{TWO}", seed=SEED, module="words")
    assert quiz is not None
    first, second = quiz.questions
    assert (first.text, first.why) == ("What is half of 8?", "4 + 4 is 8.")
    assert {option.text: option.is_right for option in first.options} == {"4": True, "2": False, "16": False}
    assert len(second.options) == 2
    assert (quiz.source, quiz.module) == (QuizSource.MODEL, "words")


def test_the_right_option_does_not_always_come_first() -> None:
    places = set()
    for number in range(20):
        quiz = parse_quiz(ONE, seed=UUID(int=number))
        assert quiz is not None
        places.add([option.is_right for option in quiz.questions[0].options].index(True))
    assert places == {0, 1, 2}


def test_the_same_turn_has_the_same_order() -> None:
    assert parse_quiz(ONE, seed=SEED) == parse_quiz(ONE, seed=SEED)


@pytest.mark.parametrize(
    "text",
    [
        ONE.replace("Q:", "**Q:**").replace("WHY:", "**WHY**:"),
        f"Here is your quiz:\n\n{ONE}",
        ONE.replace("Q:", "1. Q:"),
        "\n\n".join(ONE.splitlines()),
    ],
    ids=["bold", "a sentence before it", "numbered", "empty lines"],
)
def test_marks_around_the_labels_do_no_harm(text: str) -> None:
    quiz = parse_quiz(text, seed=SEED)
    assert quiz is not None
    assert quiz.questions[0].text == "What is half of 8?"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A quiz about fractions! What is half of 8? Think about it.",
        "Q: What is half of 8?\nWHY: 4 + 4 is 8.",
        ONE.replace("WRONG: 2\nWRONG: 16\n", ""),
        ONE.replace("WRONG: 16", "WRONG: 4."),
        ONE.replace("RIGHT", "CORRECT"),
        ONE.replace("RIGHT: 4\nWRONG: 2", "WRONG: 2\nRIGHT: 4"),
        ONE.replace("WHY", "And by the way\nWHY"),
        f"{ONE}\nWHY: again",
        f"{ONE.replace('RIGHT', 'CORRECT')}\n{TWO}",
        ONE.replace("4 + 4 is 8.", "x" * 400),
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert parse_quiz(text, seed=SEED) is None


def test_a_last_question_that_broke_off_is_left_out() -> None:
    quiz = parse_quiz(f"{ONE}\n\nQ: Which is larger?\nRIGHT: 3/4\nWRO", seed=SEED)
    assert quiz is not None
    assert len(quiz.questions) == 1


@given(st.text(max_size=400))
def test_no_text_breaks_the_parser(text: str) -> None:
    parse_quiz(text, seed=SEED)


def test_a_stored_quiz_is_the_same() -> None:
    quiz = parse_quiz(f"{ONE}\n{TWO}", seed=SEED)
    assert quiz is not None
    assert load_quiz(quiz.dump()) == quiz


def test_its_text_does_not_say_what_is_right() -> None:
    quiz = parse_quiz(ONE, seed=SEED)
    assert quiz is not None
    assert quiz.text.startswith("1. What is half of 8?\n   A) ")
    assert "4 + 4" not in quiz.text


@given(st.lists(st.text(max_size=3), max_size=6))
def test_choices_are_options_that_exist_or_none(choices: list[str]) -> None:
    quiz = parse_quiz(f"{ONE}\n{TWO}", seed=SEED)
    assert quiz is not None
    checked = check_choices(quiz, choices)
    assert len(checked) == 2
    assert all(
        choice is None or choice < len(question.options)
        for choice, question in zip(checked, quiz.questions, strict=True)
    )


def test_a_choice_is_kept_by_its_number() -> None:
    quiz = parse_quiz(f"{ONE}\n{TWO}", seed=SEED)
    assert quiz is not None
    assert check_choices(quiz, ["2", "7"]) == [2, None]
