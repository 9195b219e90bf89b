"""How sure the model is of its answers, and how sure a family is of theirs."""

import math
import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client
from django.utils import translation

from accounts.models import Person
from labs.known_questions import PER_ROUND, build_prompt, list_rounds
from labs.numbers import format_percent
from labs.sureness import MAX_ANSWER_TOKENS, is_right
from tests.labs.direct import ask_server

ADDRESS = "/labs/sure-and-wrong"


@pytest.fixture
def sam(parent: Person, as_person: Callable[[Person], Client]) -> Client:
    return as_person(parent)


def read_page(client: Client, **fields: str) -> str:
    return " ".join(unescape(client.post(ADDRESS, {"round": "0"} | fields).content.decode()).split())


def ask_directly(question: str) -> tuple[str, float]:
    """Return the model's answer, and the product of the probabilities of its pieces."""
    body = {
        "prompt": build_prompt(question),
        "n_predict": MAX_ANSWER_TOKENS,
        "n_probs": 1,
        "temperature": 0,
        "stop": ["\n"],
    }
    reply = ask_server("/completion", body)
    pieces = [piece for piece in reply["completion_probabilities"] if "\n" not in piece["token"]]
    return reply["content"].strip(), math.exp(sum(piece["logprob"] for piece in pieces))


def test_answers_and_sureness_equal_direct_calls_to_the_model(sam: Client) -> None:
    page = read_page(sam).partition("lab-answers")[2]
    for question in list_rounds()[0]:
        answer, chance = ask_directly(question.question)
        row = page.partition(question.question)[2].partition("</tr>")[0]
        assert f"<bdi>{answer}</bdi>" in row
        near = {format_percent(chance + shift) for shift in (-0.005, 0, 0.005)}
        assert any(f"{percent} sure" in row for percent in near), (row, chance)


def test_a_familys_answers_are_set_beside_the_models(sam: Client) -> None:
    answers = {f"answer_{index}": str(question.right) for index, question in enumerate(list_rounds()[0])}
    page = read_page(sam, **answers, **{f"sure_{index}": "90" for index in range(PER_ROUND)})
    assert "Your family</strong>: 90% sure on average, right 6 out of 6 times: 100%" in page


def test_what_a_family_leaves_out_is_not_counted(sam: Client) -> None:
    assert "right 0 out of 1 times: 0%" in read_page(sam, answer_0="0", sure_0="100")


def test_the_mistake_that_the_model_was_surest_of_is_named(sam: Client) -> None:
    asked = [(question, *ask_directly(question.question)) for question in list_rounds()[0]]
    wrong = [(chance, question) for question, answer, chance in asked if not is_right(question, answer)]
    chance, question = max(wrong, key=lambda pair: pair[0])
    assert chance > 0.5
    assert f"The mistake that the model was surest of: “{question.question}”" in read_page(sam)


@pytest.mark.parametrize("number", ["7", "-1", "x", ""])
def test_a_round_that_does_not_exist_is_not_run(number: str, sam: Client) -> None:
    assert sam.post(ADDRESS, {"round": number}).status_code == 422


@pytest.mark.parametrize("language", ["en", "es"])
def test_each_question_has_a_right_option_that_counts_as_right(language: str, db: None) -> None:
    with translation.override(language):
        rounds = list_rounds()
        assert [len(questions) for questions in rounds] == [PER_ROUND] * 3
        for question in (question for questions in rounds for question in questions):
            right = question.options[question.right]
            assert is_right(question, right), question
            assert is_right(question, f"It is {right}.")
            others = [option for option in question.options if option != right]
            assert not any(is_right(question, other) for other in others), question


def test_the_table_has_the_numbers_of_the_chart(sam: Client) -> None:
    page = read_page(sam, answer_0="0", sure_0="100")
    dots = re.findall(r'class="dot-\w+" cx="\d+\.\d" cy="[\d.]+"', page)
    rows = page.partition("The numbers of the chart")[2].partition("</table>")[0].count("<tr>") - 1
    assert len(dots) == rows
