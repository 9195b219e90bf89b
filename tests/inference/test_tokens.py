"""A prompt's bound is never below the count of the model's own tokenizer, and not far above it for prose."""

import asyncio
import base64
import hashlib
import json
import random
import string
from pathlib import Path

import pytest

from inference.provider import count_tokens
from inference.tokens import TOKENS_PER_MESSAGE, estimate_max_tokens, estimate_piece_tokens
from tests.endpoints import get_endpoint

ROOT = Path(__file__).resolve().parents[2]
CHANCE = random.Random(17)  # noqa: S311 - test data
LESSONS = {
    language: "".join(
        path.read_text() for path in sorted((ROOT / "courses/content" / language).rglob("*.md"))
    )
    for language in ("en", "es")
}
MESSAGES = [
    text
    for line in (ROOT / "benchmarks/teen_set/open.jsonl").read_text().splitlines()
    if (text := json.loads(line).get("text"))
]


def build_random_text(signs: str, count: int, between: str = "") -> str:
    return between.join(CHANCE.choice(signs) for _ in range(count))


def count_with_model(text: str) -> int:
    count = asyncio.run(count_tokens(get_endpoint(), text))
    assert count
    return count


@pytest.mark.parametrize(
    "text",
    [
        build_random_text(string.digits, 2000),
        build_random_text(string.digits, 1000, " "),
        hashlib.sha512(b"x").hexdigest() * 15,
        hashlib.sha512(b"y").hexdigest().upper() * 15,
        base64.b64encode(CHANCE.randbytes(1400)).decode(),
        build_random_text(string.ascii_lowercase, 1000, " "),
        build_random_text(string.ascii_uppercase, 1000, " "),
        build_random_text(string.ascii_lowercase, 2000),
        build_random_text(string.ascii_uppercase, 2000),
        build_random_text(string.ascii_letters, 2000),
        " ".join(build_random_text(string.ascii_lowercase, CHANCE.randint(1, 9)) for _ in range(350)),
        build_random_text(string.punctuation, 1000),
        "WHY IS THE SKY BLUE AND NOT GREEN PLEASE EXPLAIN IT TO ME NOW " * 10,
        "idk bruh rlly dont get dis hw srsly hlp plz cuz ngl tbh btw smth " * 10,
        "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch " * 10,
        "😀🌱👩‍👩‍👧🏽" * 100,
        "我喜欢学习数学和物理因为很有趣" * 60,
        "أحب تعلم الرياضيات والفيزياء " * 40,
        json.dumps([{"id": number, "name": f"n{number * 7919}"} for number in range(60)]),
        r"\frac{a^2+b^2}{2ab} = \sum_{i=1}^{n} x_i^2 - \int_0^1 e^{-t}\,dt" * 15,
        " " * 500 + "a",
        "\n" * 500,
        LESSONS["en"][:20_000],
        LESSONS["es"][:20_000],
    ],
    ids=[
        *(
            "digits",
            "digits apart",
            "hex",
            "HEX",
            "base64",
            "letters apart",
            "LETTERS APART",
            "letters",
            "LETTERS",
        ),
        *("Letters", "random words", "punctuation", "capitals", "slang", "a long word", "emoji", "Chinese"),
        *("Arabic", "JSON", "LaTeX", "spaces", "line ends", "English", "Spanish"),
    ],
)
def test_an_estimate_is_never_under_what_the_model_counts(text: str) -> None:
    assert estimate_max_tokens(text) - TOKENS_PER_MESSAGE >= count_with_model(text)


def test_an_estimate_for_messages_is_never_under_what_the_model_counts() -> None:
    # This model's chat template adds five tokens to each message.
    spare = TOKENS_PER_MESSAGE - 5
    under = [
        text
        for text in MESSAGES[:150]
        if estimate_max_tokens(text) - TOKENS_PER_MESSAGE + spare < count_with_model(text)
    ]
    assert under == []


def test_prose_is_not_taken_for_much_more_than_it_is() -> None:
    assert estimate_max_tokens(LESSONS["en"][:20_000]) < 1.65 * count_with_model(LESSONS["en"][:20_000])
    assert estimate_max_tokens(" ".join(MESSAGES)[:15_000]) < 1.7 * count_with_model(
        " ".join(MESSAGES)[:15_000]
    )


@pytest.mark.parametrize(
    ("piece", "likely", "least"),
    [(" rain", 1, 1), ("\n" * 40, 10, 0), ("Rain falls from clouds. " * 10, 60, 40)],
    ids=["a token", "white space", "a sentence"],
)
def test_a_piece_of_an_answer_is_a_token_unless_it_is_long(piece: str, likely: int, least: int) -> None:
    assert estimate_piece_tokens(piece) == (likely, least)
