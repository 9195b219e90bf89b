"""What kind of question someone asks, by rules that a held-out set measures (ADR 68)."""

import time
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from chat.method.reading import FollowUp, QuestionKind, find_question_kind, find_written_follow_up

FOLDER = Path(__file__).parent
MIN_HELD_OUT = 0.95


def read(name: str) -> dict[QuestionKind, list[str]]:
    questions = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return {QuestionKind(kind): messages for kind, messages in questions.items()}


EXAMPLES, HELD_OUT = read("example_questions"), read("held_out_questions")


def test_there_are_enough_examples() -> None:
    assert sum(map(len, EXAMPLES.values())) >= 120
    assert not {*chain(*EXAMPLES.values())} & {*chain(*HELD_OUT.values())}


@pytest.mark.parametrize(
    ("question", "kind"), [(question, kind) for kind, questions in EXAMPLES.items() for question in questions]
)
def test_an_example_has_its_kind(question: str, kind: QuestionKind) -> None:
    assert find_question_kind(question) is kind


@pytest.mark.parametrize("kind", QuestionKind)
def test_precision_and_recall_on_questions_that_no_rule_was_written_for(kind: QuestionKind) -> None:
    found = {
        truth: [find_question_kind(question) for question in questions]
        for truth, questions in HELD_OUT.items()
    }
    right = found[kind].count(kind)
    assert right / len(found[kind]) >= MIN_HELD_OUT
    assert right / sum(kinds.count(kind) for kinds in found.values()) >= MIN_HELD_OUT


@pytest.mark.parametrize("text", ["", " ", "?", "¿?", "…", "\n"])
def test_nothing_is_no_homework(text: str) -> None:
    assert find_question_kind(text) is QuestionKind.OTHER


@pytest.mark.parametrize(
    "text",
    ["a " * 4000, "1 " * 4000, "(1 " * 2000, "what is the " * 700, "a) b) " * 1300, "1+" * 4000, "x" * 8000],
)
def test_the_longest_message_takes_no_time(text: str) -> None:
    find_question_kind("warm")
    begin = time.perf_counter()
    find_question_kind(text)
    assert time.perf_counter() - begin < 0.3


def test_the_end_of_a_long_text_is_read_too() -> None:
    assert (
        find_question_kind("Here is a text about seeds. " * 80 + "Solve 2x + 3 = 11") is QuestionKind.HOMEWORK
    )


@pytest.mark.parametrize(
    ("message", "follow_up"),
    [
        ("another hint please", FollowUp.HINT),
        ("I'm stuck", FollowUp.HINT),
        ("una pista", FollowUp.HINT),
        ("just tell me", FollowUp.WHOLE),
        ("dime la respuesta", FollowUp.WHOLE),
        ("I still don't get it", FollowUp.DIFFERENTLY),
        ("no entiendo", FollowUp.DIFFERENTLY),
        ("simpler please", FollowUp.SIMPLER),
        ("más fácil", FollowUp.SIMPLER),
        ("quiz me on this", FollowUp.QUIZ),
        ("hazme preguntas", FollowUp.QUIZ),
        ("what is a quiz", FollowUp.NONE),
        ("tell me the answer of the Sphinx to Oedipus", FollowUp.NONE),
    ],
)
def test_a_follow_up_may_be_written(message: str, follow_up: FollowUp) -> None:
    assert find_written_follow_up(message) is follow_up
