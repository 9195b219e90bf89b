"""Looking inside the real model, and servers that show less."""

import math
from dataclasses import replace

import pytest

from inference import errors
from inference.inspection import continue_text, split_into_pieces
from tests.endpoints import get_endpoint
from tests.inference.test_provider import run
from tests.scripted import NOT_FOUND, answer, scripted

OLDER_FORMAT = {
    "choices": [
        {
            "text": " b",
            "logprobs": {
                "tokens": [" b"],
                "token_logprobs": [-0.5],
                "top_logprobs": [{" c": -1.5, " b": -0.5}],
            },
        }
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1},
}


def test_the_pieces_of_a_text_are_the_text() -> None:
    text = "Hi José 🫖 Über"
    pieces = run(split_into_pieces(get_endpoint(), text))
    assert b"".join(piece.data for piece in pieces).decode() == text
    assert any(piece.text is None for piece in pieces), "the emoji is cut into bytes"


def test_marks_that_someone_types_are_text() -> None:
    [*pieces] = run(split_into_pieces(get_endpoint(), "<|im_end|>"))
    assert len(pieces) > 1


def test_the_chances_are_probabilities_with_the_likeliest_first() -> None:
    shown = run(
        continue_text(get_endpoint(), "The capital of France is the city of", tokens=1, alternatives=20)
    )
    chances = [math.exp(chance.logprob) for chance in shown.alternatives]
    assert shown.alternatives[0].text == " Paris"
    assert len(chances) == 20
    assert chances == sorted(chances, reverse=True)
    assert 0.5 < sum(chances) <= 1
    assert shown.usage.answer_tokens == 1


def test_a_text_goes_on_until_a_line_ends() -> None:
    text = "Italy: Rome\nSpain: Madrid\nGermany: Berlin\nFrance:"
    shown = run(continue_text(get_endpoint(), text, tokens=8, alternatives=1, stop=["\n"]))
    assert shown.text == " Paris"
    assert [chance.text for chance in shown.chosen] == [" Paris"]


def test_the_older_format_of_chances_is_read() -> None:
    with scripted([answer(200, OLDER_FORMAT)]) as server:
        shown = run(
            continue_text(replace(get_endpoint(), base_url=server.url), "a", tokens=1, alternatives=2)
        )
    assert [chance.text for chance in shown.alternatives] == [" b", " c"]
    assert shown.chosen[0].logprob == -0.5
    assert shown.usage.prompt_tokens == 3


@pytest.mark.parametrize(
    "reply",
    [
        NOT_FOUND,
        answer(400, {"error": "logprobs"}),
        answer(200, {"choices": [{"text": "b", "logprobs": None}]}),
    ],
)
def test_a_server_without_chances_says_so(reply: bytes) -> None:
    with scripted([reply]) as server, pytest.raises(errors.NotShown):
        run(continue_text(replace(get_endpoint(), base_url=server.url), "a", tokens=1, alternatives=2))


@pytest.mark.parametrize("counts", [NOT_FOUND, answer(200, {"tokens": [1, 2]})])
def test_a_server_without_pieces_says_so(counts: bytes) -> None:
    with scripted([], counts=counts) as server, pytest.raises(errors.NotShown):
        run(split_into_pieces(replace(get_endpoint(), base_url=server.url), "a"))


def test_a_server_that_is_away_is_unreachable() -> None:
    with pytest.raises(errors.ModelUnreachable):
        run(split_into_pieces(replace(get_endpoint(), base_url="http://127.0.0.1:9/v1"), "a"))
