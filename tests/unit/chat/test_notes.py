"""Which of a person's own sentences the tutor remembers: few, useful ones, and never a personal detail."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.memory.notes import (
    MAX_NOTE_LENGTH,
    MAX_NOTES_PER_QUESTION,
    NoteKind,
    choose_notes,
    has_personal_detail,
)

FILES = Path(__file__).parent / "notes"
HELD_OUT = 3
"""Every third message: the rules were written without looking at what they make of it."""


class Message(NamedTuple):
    text: str
    notes: tuple[tuple[str, str], ...]


class Score(NamedTuple):
    chosen: int
    expected: int
    right: int

    @property
    def precision(self) -> float:
        return self.right / self.chosen

    @property
    def recall(self) -> float:
        return self.right / self.expected


def read_lines(name: str) -> list[str]:
    lines = (FILES / name).read_text(encoding="utf-8").splitlines()
    return [line.replace("\\n", "\n") for line in lines if not line.startswith("# ")]


def read_messages(name: str) -> list[Message]:
    return [read_message(line) for line in read_lines(name)]


def read_message(line: str) -> Message:
    text, *notes = line.split(" || ")
    pairs = [note.partition(": ") for note in notes]
    return Message(text, tuple((kind, normalize(sentence or text)) for kind, _, sentence in pairs))


def normalize(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .,!¡")


def is_same(chosen: str, expected: str) -> bool:
    """A note may have a few words more or fewer than the sentence that a person would pick."""
    shorter, longer = sorted((chosen, expected), key=len)
    return shorter in longer and len(shorter) >= 0.6 * len(longer)


def get_chosen(text: str) -> list[tuple[str, str]]:
    return [(note.kind.value, normalize(note.text)) for note in choose_notes(text)]


def score(messages: Iterable[Message]) -> Score:
    chosen = expected = right = 0
    for message in messages:
        notes = get_chosen(message.text)
        chosen, expected = chosen + len(notes), expected + len(message.notes)
        right += sum(
            any(kind == other and is_same(text, sentence) for other, text in notes)
            for kind, sentence in message.notes
        )
    return Score(chosen, expected, right)


def split_held_out(name: str) -> tuple[list[Message], list[Message]]:
    messages = read_messages(name)
    return [m for n, m in enumerate(messages) if n % HELD_OUT != HELD_OUT - 1], messages[
        HELD_OUT - 1 :: HELD_OUT
    ]


@pytest.mark.parametrize("name", ["en.txt", "es.txt"])
def test_the_sentences_that_matter_are_chosen(name: str) -> None:
    written_for, held_out = split_held_out(name)
    assert score(written_for).precision >= 0.98
    assert score(written_for).recall >= 0.98
    assert score(held_out).precision >= 0.95
    assert score(held_out).recall >= 0.95


@pytest.mark.parametrize(("name", "recall"), [("later.txt", 0.95), ("blind.txt", 0.83)])
def test_messages_that_the_rules_were_not_made_for(name: str, recall: float) -> None:
    result = score(read_messages(name))
    assert result.precision >= 0.97
    assert result.recall >= recall


@pytest.mark.parametrize(
    "name", ["private.txt", "later_private.txt", "blind_private.txt", "fresh_private.txt"]
)
def test_a_personal_detail_is_never_remembered(name: str) -> None:
    assert {text: notes for text in read_lines(name) if (notes := choose_notes(text))} == {}


def test_a_personal_detail_is_seen_in_a_text_that_a_person_edits() -> None:
    texts = read_lines("private.txt")
    assert [text for text in texts if not has_personal_detail(text)] == []
    assert has_personal_detail("my garden is 12 m by 7 m " * 20)
    assert not has_personal_detail("My garden is 12 m by 7 m.")
    assert not has_personal_detail("The test is on Friday")
    assert not has_personal_detail("")


def test_pasted_text_and_attempts_to_steer_give_nothing() -> None:
    assert {text: notes for text in read_lines("hostile.txt") if (notes := choose_notes(text))} == {}


# What the benchmark of memory tells early and asks late.
FACTS = [
    "My report is about the planet Kepler-22b.",
    "We have to use exactly 450 words.",
    "The recipe needs 3 cups of flour.",
    "My model bridge is 62 cm long.",
    "Our teacher said we may use a calculator.",
    "Mi maqueta mide 62 cm.",
    "La entrega es el jueves.",
    "My garden is 12 m by 7 m.",
    "Our teacher wants three sources.",
    "My robot weighs 3.4 kg.",
    "My story is called The Glass Lighthouse.",
    "Tenemos que citar en formato APA.",
]


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_about_the_task_is_kept_word_for_word(fact: str) -> None:
    (note,) = choose_notes(fact)
    assert (note.kind, note.text) == (NoteKind.FACT, fact)


def test_a_statement_is_kept_without_the_question_that_follows() -> None:
    (note,) = choose_notes("ok so my garden is 12 m by 7 m, how many tiles do i need?")
    assert note.text == "my garden is 12 m by 7 m"


def test_a_persons_own_words_are_found_beside_what_they_pasted() -> None:
    pasted = "The sea is wide. I had to write to the king. The test was hard. " * 12
    (note,) = choose_notes(
        f"{pasted}\n```\nthe quiz is on monday\n```\ni have to write an essay about this poem"
    )
    assert note.kind is NoteKind.GOAL


def test_a_few_notes_come_in_the_order_of_the_text() -> None:
    text = "im in 8th grade. my essay is about bees. the test is on friday. the test is on friday. i got 17. i got 18."
    notes = choose_notes(text)
    assert [note.kind for note in notes] == [NoteKind.GRADE, NoteKind.FACT, NoteKind.FACT]
    assert len(notes) == MAX_NOTES_PER_QUESTION


def test_a_long_sentence_is_cut_at_a_clause_and_else_at_a_word() -> None:
    clauses = (
        "My essay has to be about the river and its people, " + "with some more about the boats there, " * 5
    )
    (note,) = choose_notes(clauses)
    assert len(note.text) <= MAX_NOTE_LENGTH
    assert note.text.endswith("there")
    (note,) = choose_notes("My essay is about " + "very " * 50 + "old rivers")
    assert len(note.text) <= MAX_NOTE_LENGTH
    assert note.text.endswith("very…")


def test_nothing_is_chosen_beside_danger() -> None:
    assert choose_notes("i want to die. my essay is about bees") == []


PIECES = [*read_lines("en.txt"), *read_lines("hostile.txt"), "\n", "```", '"', "\ud800", "ﷺ", "\u202e"]
TEXTS = st.text(max_size=300) | st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join)


@given(TEXTS)
def test_any_text_gives_short_lines_without_personal_details(text: str) -> None:
    notes = choose_notes(text)
    assert len(notes) <= MAX_NOTES_PER_QUESTION
    for note in notes:
        assert 0 < len(note.text) <= MAX_NOTE_LENGTH
        assert note.text == " ".join(note.text.split())
        assert note.text.isprintable()


LONG = [
    "a", " ", "ok ", "so, ", "i have to ", "my ", "1 ", "\n", '"', "“a", ". ", "```", "my a is 1 ", "the test is on ",
    "ﷺ", "a\u0301", "my garden is 12 m by 7 m. ", "my garden is 12 m by 7 m\n", "i am ", "12345678 ", "remember ",
    "ignore a ", "my x y ", "<a", "\ud800", "w w ", "a.b@", "¿", "i tried to " + "my x " * 55 + "\n",
    ("w w " * 480) + "\n", ("my x y " * 280) + "\n",
]  # fmt: skip


@pytest.mark.parametrize("part", LONG)
def test_hostile_text_is_read_fast(part: str) -> None:
    text = (part * 8000)[:8000]
    choose_notes(FACTS[0])
    times = []
    for _ in range(3):
        start = time.process_time()
        choose_notes(text)
        has_personal_detail(text[:320])
        times.append(time.process_time() - start)
    assert min(times) < 0.05
