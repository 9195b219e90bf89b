"""The tutor's answer with its passages, and without one of them."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client

from accounts.models import Person
from chat.selectors import find_question_passages
from inference.provider import stream_answer
from tests.labs.direct import ask_server

ADDRESS = "/labs/where-from"
QUESTION = "What is a token?"


@pytest.fixture
def sam(parent: Person, as_person: Callable[[Person], Client], library: None) -> Client:
    return as_person(parent)


def read_page(client: Client, **fields: str) -> str:
    return " ".join(unescape(client.post(ADDRESS, {"question": QUESTION} | fields).content.decode()).split())


def read_answer(page: str) -> str:
    found = re.search(r'class="lab-answer" dir="auto"> ?<bdi[^>]*>(.*?)</bdi>', page)
    assert found
    return re.sub("<[^>]+>", "", found[1])


def read_value(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found
    return found[1]


def test_the_passages_are_those_that_the_tutor_would_get(sam: Client) -> None:
    page = read_page(sam)
    found = find_question_passages(QUESTION, remembered=())
    assert found
    for passage in found:
        assert f'href="{passage.url}">{passage.title}</a>' in page


def test_a_passage_that_was_taken_away_is_not_sent_to_the_model(
    sam: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compare the prompts, because a small model may write the same answer to both."""
    sent: list[str] = []
    from labs import answers

    real = stream_answer

    def spy(**asked: object) -> object:
        sent.append(str(asked["messages"]))
        return real(**asked)  # type: ignore[arg-type]

    monkeypatch.setattr(answers, "stream_answer", spy)
    first = read_page(sam)
    passages = find_question_passages(QUESTION, remembered=())
    everything = " ".join(passage.key for passage in passages)
    second = read_page(sam, left_out=everything, before=read_value(first, "before"))
    assert passages[0].title in sent[0]
    assert passages[0].title not in sent[1]
    assert "With 0 passages" in second
    assert read_answer(first) in second.partition("The previous answer")[2]


def test_a_passage_can_be_put_back(sam: Client) -> None:
    out = read_value(read_page(sam), "left_out")
    page = read_page(sam, left_out=out)
    assert "Ask again with it" in page


def test_the_answer_is_what_the_model_writes_after_this_prompt(
    sam: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, object]] = []
    from labs import answers

    real = stream_answer

    def spy(**asked: object) -> object:
        sent.append(asked)
        return real(**asked)  # type: ignore[arg-type]

    monkeypatch.setattr(answers, "stream_answer", spy)
    answer = read_answer(read_page(sam)).split()
    fields = sent[0]["fields"]
    assert isinstance(fields, dict)
    body = {"messages": sent[0]["messages"], "max_tokens": sent[0]["max_answer_tokens"], **fields}
    direct = ask_server("/v1/chat/completions", body)["choices"][0]["message"]["content"].split()
    assert answer[:6] == direct[:6]


def test_a_question_that_no_lesson_covers_says_so(sam: Client) -> None:
    assert "No lesson covers this question" in read_page(
        sam, question="Who won the 1994 chess olympiad in Moscow?"
    )


def test_a_previous_answer_to_another_question_is_not_compared(sam: Client) -> None:
    before = read_value(read_page(sam), "before")
    assert "The previous answer" not in read_page(sam, question="What is hallucinating?", before=before)
