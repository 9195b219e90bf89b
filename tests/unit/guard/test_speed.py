"""No text of 64 kB, the most that a form accepts, is slow to judge."""

import random
import statistics
import time

import pytest

from guard import judge_input
from guard.judge import judge
from guard.rule_books import input_rules

SIZE = 65536
CHANCE = random.Random(7)  # noqa: S311
WORDS = [word for rule in input_rules().rules for text in rule.examples for word in text.split()]
HOSTILE = {
    "spaces": " ",
    "one letter": "a",
    "spaced letters": "k i l l ",
    "pairs of letters": "a b ",
    "half a phrase": "i want to just really ",
    "half a story": "my best friend said that ",
    "held back each time": "suicide prevention i want to die laughing ",
    "unseen": "\u200b",
    "marks": "e\u0301\u0301\u0301",
    "look-alikes": "ｋіll 𝓶𝓎 ",
    "signs": "a!*'",
    "wide letters": "\ufdfa",
    "brackets": "((((",
}


def measure_longest(text: str) -> float:
    """Return the shortest CPU time of a few tries, in seconds of this thread.

    Other work on the machine affects it only through the caches. The limits are three times the usual time; quadratic
    time would take minutes.
    """
    book = input_rules()
    started = time.thread_time()
    judge(text, book)
    return time.thread_time() - started


@pytest.mark.parametrize("name", HOSTILE)
def test_repetition(name: str) -> None:
    text = (HOSTILE[name] * SIZE)[:SIZE]
    assert any(measure_longest(text) < 0.6 for _ in range(5))


@pytest.mark.parametrize(
    "text",
    [
        " ".join(CHANCE.choice(WORDS) for _ in range(SIZE))[:SIZE],
        " ".join(f"k*{number}l" for number in range(SIZE // 6))[:SIZE],
        "".join(map(chr, range(0x80, 0x80 + SIZE // 2))),
    ],
    ids=["the rules' own words", "stars", "every letter there is"],
)
def test_variety(text: str) -> None:
    assert any(measure_longest(text) < 0.5 for _ in range(5))


def test_an_ordinary_message_takes_less_than_a_millisecond() -> None:
    texts = [text for rule in input_rules().rules for text in (*rule.examples, *rule.not_examples)]
    took = []
    for text in texts:
        started = time.thread_time()
        judge_input(text)
        took.append(time.thread_time() - started)
    assert statistics.median(took) < 0.001
