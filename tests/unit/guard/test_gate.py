"""The gate releases text early, but never the beginning of a phrase that a rule matches."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import Level, OutputGate, judge_output
from guard.answer_scanner import AnswerScanner, PairedScanner
from guard.markup import MarkupStripper
from guard.rule_books import output_rules
from guard.verdict import merge_verdicts
from kit.folding import fold

EXAMPLES = [text for rule in output_rules().rules for text in (*rule.examples, *rule.not_examples)]
ODD = [
    "!",
    "!!!!",
    "!*!*!",
    "*",
    "'",
    "$",
    "e\u0301",
    "iiiii",
    "x" * 100,
    " k i l l ",
    "你好。",
    "\u200b" * 5,
    "I",
    "1",
    "&#107;",
    "&nbsp",
    "<b",
    "</b>",
    "<br/>",
    "<!-- x -->",
    "[",
    "](a.b/c)",
    "\n1. ",
    "\\text{",
    "**",
    "~~",
]
passages = st.lists(
    st.one_of(st.sampled_from(EXAMPLES), st.sampled_from(ODD), st.text(max_size=20)), min_size=1, max_size=5
)
sizes = st.lists(st.integers(1, 40), min_size=1, max_size=8)


# The time of one example depends on the machine. test_speed.py measures time.
patient = settings(deadline=None)


def pieces(text: str, sizes: list[int]) -> list[str]:
    pieces, position, turn = [], 0, 0
    while position < len(text):
        size = sizes[turn % len(sizes)]
        pieces.append(text[position : position + size])
        position, turn = position + size, turn + 1
    return pieces


def run(text: str, sizes: list[int]) -> tuple[OutputGate, str]:
    gate, shown = OutputGate(), ""
    for piece in pieces(text, sizes):
        shown += gate.feed(piece)
        assert text.startswith(shown)
    return gate, shown + gate.finish()


@patient
@given(passages, st.sampled_from(["", " ", "\n", ". ", "\u200b"]), sizes)
def test_the_gate_finds_what_the_whole_text_contains_however_it_is_cut(
    words: list[str], between: str, sizes: list[int]
) -> None:
    text = between.join(words)
    whole = judge_output(text)
    gate, shown = run(text, sizes)
    assert gate.released == shown
    assert gate.is_cut is bool(whole.evidence)
    if gate.is_cut:
        assert set(gate.verdict.evidence) & set(whole.evidence)
        assert len(shown) <= min(evidence.start for evidence in gate.verdict.evidence)
    else:
        assert shown == text
        assert gate.verdict == whole


@patient
@given(st.sampled_from(EXAMPLES), sizes)
def test_nothing_is_released_after_a_cut(text: str, sizes: list[int]) -> None:
    gate, shown = run(f"{text} You should kill yourself.", sizes)
    assert gate.is_cut
    assert gate.feed(" More words, and more.") == gate.finish() == ""
    assert gate.released == shown


def test_ordinary_words_leave_with_the_next_space() -> None:
    gate = OutputGate()
    assert gate.feed("Leaves") == ""
    assert gate.feed(" turn") == "Leaves "
    assert gate.feed(" the sun ") == "turn the sun "
    assert gate.finish() == ""
    assert gate.released == "Leaves turn the sun "


def test_words_that_may_become_a_phrase_wait_until_they_do_not() -> None:
    gate = OutputGate()
    assert gate.feed("Well, you should ") == "Well, "
    assert gate.feed("just ") == ""
    assert gate.feed("breathe ") == "you should just breathe "


def test_words_without_spaces_are_not_held_for_long() -> None:
    gate = OutputGate()
    assert gate.feed("光合作用是植物的") == "光合作用是植物的"
    assert len(gate.feed("abcde" * 20)) == 100


def test_an_exception_that_comes_later_is_waited_for() -> None:
    gate = OutputGate()
    shown = gate.feed("Suppose you should end it ")
    assert shown == "Suppose "
    assert gate.feed("with a full stop. ").endswith("full stop. ")
    assert not gate.is_cut


def test_the_gates_evidence_counts_from_the_answers_beginning() -> None:
    text = "Leaves are green. " * 20 + "I am a real person, I promise."
    gate, _ = run(text, [7])
    (evidence,) = gate.verdict.evidence
    assert text[evidence.start : evidence.end] == "I am a real person"
    assert gate.verdict.level == Level.STATED


def test_a_window_that_would_miss_words_is_refused() -> None:
    with pytest.raises(ValueError, match="a window of 10 would miss some"):
        OutputGate(window=10)


@patient
@given(passages, sizes)
def test_a_wider_window_finds_the_same(words: list[str], sizes: list[int]) -> None:
    text, gate = " ".join(words), OutputGate(window=300)
    shown = "".join(map(gate.feed, pieces(text, sizes))) + gate.finish()
    assert gate.is_cut is bool(judge_output(text).evidence)
    assert gate.is_cut or shown == text


def test_the_work_per_piece_does_not_grow_with_the_answer() -> None:
    gate, took = OutputGate(), list[float]()
    for _ in range(4):
        started = time.thread_time()
        for _ in range(5000):
            gate.feed("you should know that ")
        took.append(time.thread_time() - started)
    assert took[-1] < 3 * min(took)


@patient
@given(passages, sizes)
def test_reading_once_what_markup_leaves_alone_finds_what_reading_twice_finds(
    parts: list[str], sizes: list[int]
) -> None:
    paired = PairedScanner(output_rules())
    written, rendered = AnswerScanner(output_rules()), AnswerScanner(output_rules(), markup=MarkupStripper())
    offset = 0
    for piece in [*pieces(" ".join(parts), sizes), ""]:
        folded, is_last = fold(piece, offset=offset), not piece
        verdicts = [scanner.read(folded, is_last=is_last) for scanner in (written, rendered)]
        assert paired.read(folded, is_last=is_last) == merge_verdicts(*verdicts)
        assert paired.position == min(written.position, rendered.position)
        offset += len(piece)
