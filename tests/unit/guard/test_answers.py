"""An answer is split into sentences while it streams, wherever its pieces are cut."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.answers import (
    MAX_SENTENCE_LENGTH,
    MAX_SENTENCE_WORDS,
    SentenceSplitter,
    split_finished_sentences,
)

FRAGMENTS = [
    ". ", "? ", "! ", "… ", "...", ".", "\n", "\n\n", "\n- ", "\n1. ", "\n**2.** ", "\n# ", "\n| a | b. c |", "```",
    "~~~", "\n```python\n", "\n```\n", "\\(", "\\)", "\\[", "\\]", "$$", "$", "\\", "Dr.", "p. ej.", "EE.UU.",
    "e.g.", "3.5", "”", ")", "**", "。", "¿", "¡", "    ", " " * 60, "\t", "\r\n", "a" * 90, "word ", "palabra ", "I. ",
]  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=12)), max_size=40).map("".join)
sizes = st.lists(st.integers(1, 60), min_size=1, max_size=8)


def split_in_pieces(text: str, sizes: list[int]) -> list[str]:
    splitter, sentences, position, piece_count = SentenceSplitter(), list[str](), 0, 0
    while position < len(text):
        size = sizes[piece_count % len(sizes)]
        sentences += splitter.feed(text[position : position + size])
        position, piece_count = position + size, piece_count + 1
    return [*sentences, *splitter.finish()]


@settings(deadline=None)
@given(texts)
def test_joining_the_sentences_gives_the_text(text: str) -> None:
    assert "".join(split_finished_sentences(text)) == text


@settings(deadline=None, max_examples=400)
@given(texts, sizes)
def test_the_sentences_do_not_depend_on_how_the_text_is_cut(text: str, sizes: list[int]) -> None:
    assert split_in_pieces(text, sizes) == split_finished_sentences(text)


@settings(deadline=None)
@given(texts)
def test_no_sentence_is_longer_than_allowed(text: str) -> None:
    for sentence in split_finished_sentences(text):
        assert len(sentence.split()) <= MAX_SENTENCE_WORDS
        # A mark that begins within the limit may end after it.
        assert len(sentence) <= MAX_SENTENCE_LENGTH + 100


def split(text: str) -> list[str]:
    return [sentence.strip() for sentence in split_finished_sentences(text)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["Leaves are green.", "Why is that?", "Look!", "Well…", "So be it."],
        ["¿Qué tal?", "¡Muy bien!", "Las hojas son verdes."],
        ["He said “go.”", "(She went.)", "**Done.**", "Then _rest._"],
        ["Dr. Ruiz and Mrs. Lee came at 5 p.m. on Monday.", "They left."],
        ["El Sr. Pérez vino, p. ej. ayer, de EE.UU. en avión.", "La Sra. Gil no."],
        ["J. K. Rowling wrote it.", "So did I.", "It costs 3.50 at example.com/a.b today."],
        ["你好。", "再见。"],
    ],
)
def test_a_sentence_ends_with_its_mark_in_english_and_spanish(sentences: list[str]) -> None:
    assert split(" ".join(sentences)) == sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["# A heading", "Text under it."],
        ["Steps:", "1. Take the first.", "2. Take the second", "**3.** Take the third", "- and this", "- and that"],
        ["| Day | Task. Or two. |", "|---|---|", "| Mon | read |"],
        ["Roses are red", "Violets are blue"],
        ["The first paragraph", "\n", "the second paragraph"],
    ],
)  # fmt: skip
def test_a_line_is_a_sentence_of_its_own(sentences: list[str]) -> None:
    text = "\n".join(sentences)
    assert split(text) == [sentence for sentence in sentences if sentence.strip()]


def test_a_sentence_goes_on_if_the_next_line_begins_in_lowercase() -> None:
    assert split("It is only\na line\nbreak. And so\non.") == ["It is only\na line\nbreak.", "And so\non."]


def test_a_code_block_ends_with_its_fence_or_an_empty_line() -> None:
    text = 'Look:\n```python\nx = "One. Two. "\ny = 2\n\nz = 3\n```\nThat is all.'
    assert split(text) == [
        "Look:",
        '```python\nx = "One. Two. "\ny = 2',
        "z = 3\n```",
        "That is all.",
    ]


@pytest.mark.parametrize("formula", [r"\(a. b\)", "$$\na = 1. \nb\n$$", "\\[\nx. \ny\n\\]"])
def test_a_formula_is_not_split(formula: str) -> None:
    assert split(f"So {formula} holds. Good.") == [f"So {formula} holds.", "Good."]


def test_an_unclosed_formula_ends_with_its_paragraph() -> None:
    assert split("It costs $$ a lot. Really.\n\nYes. No.") == ["It costs $$ a lot. Really.", "Yes.", "No."]


def test_a_sentence_ends_after_40_words_or_400_characters() -> None:
    assert [len(part.split()) for part in split("and " * 100)] == [40, 40, 20]
    assert [len(part) for part in split("x" * 1000)] == [400, 400, 200]


def test_a_sentence_is_finished_with_the_space_after_its_mark() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("One. Two") == ["One."]
    assert splitter.feed(".") == []
    assert splitter.feed("5 is more.") == []
    assert splitter.feed("\nThree") == [" Two.5 is more."]
    assert splitter.finish() == ["\nThree"]


def test_feeding_a_piece_does_not_slow_down_as_the_answer_grows() -> None:
    splitter, seconds = SentenceSplitter(), list[float]()
    for _ in range(4):
        started = time.thread_time()
        for _ in range(4000):
            splitter.feed("you know, that is so. And\n- ")
        seconds.append(time.thread_time() - started)
    assert seconds[-1] < 3 * min(seconds)


def test_a_long_text_in_one_piece_is_split_in_seconds() -> None:
    started = time.thread_time()
    split_finished_sentences("word. " * 50_000 + "$" * 50_000 + " " * 50_000 + ".!" * 25_000)
    assert time.thread_time() - started < 5
