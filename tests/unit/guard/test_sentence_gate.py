"""The sentence gate ends an answer at a sentence that a judge finds unsafe, in both of its modes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import Category, Evidence, SentenceGate, Verdict

UNSAFE = Verdict(
    categories=frozenset({Category.METHOD}),
    evidence=(Evidence(layer="answer head", rule="method", start=0, end=4),),
    layer="answer head",
)
SAFE = Verdict(layer="answer head")

texts = st.lists(
    st.sampled_from(["Tape it. ", "Rain falls. ", "no end ", "\n\n", "- item\n", "tape", "3.5 ", "…", "? "]),
    max_size=25,
).map("".join)
sizes = st.lists(st.integers(1, 30), min_size=1, max_size=6)


def find_tape(sentence: str) -> Verdict:
    return UNSAFE if "tape" in sentence.casefold() else SAFE


def run(text: str, sizes: list[int], *, holds_sentences: bool) -> tuple[SentenceGate, str]:
    """Return the gate after the text, and what readers were shown before anything was withdrawn."""
    gate, shown, position, turn = SentenceGate(find_tape, holds_sentences=holds_sentences), "", 0, 0
    while position < len(text):
        size = sizes[turn % len(sizes)]
        gate.feed(text[position : position + size])
        shown += gate.release()
        assert text.startswith(shown)
        position, turn = position + size, turn + 1
    return gate, shown + gate.finish()


@settings(deadline=None)
@given(texts, sizes, st.booleans())
def test_a_safe_answer_is_released_whole_and_an_unsafe_one_ends_at_the_same_sentence_however_it_is_cut(
    text: str, sizes: list[int], holds_sentences: bool
) -> None:
    gate, shown = run(text, sizes, holds_sentences=holds_sentences)
    whole, _ = run(text, [len(text) or 1], holds_sentences=holds_sentences)
    assert gate.is_cut is ("tape" in text.casefold())
    assert (gate.is_cut, gate.judged_length, gate.verdict) == (
        whole.is_cut,
        whole.judged_length,
        whole.verdict,
    )
    assert "tape" not in text[: gate.judged_length].casefold()
    if not gate.is_cut:
        assert shown == text
        assert gate.judged_length == len(text)
    elif holds_sentences:
        assert len(shown) <= gate.judged_length


class TestHeldSentences:
    def test_leave_when_they_are_judged(self) -> None:
        gate = SentenceGate(find_tape, holds_sentences=True)
        assert not gate.feed("Rain falls")
        assert gate.release() == ""
        assert gate.feed(". It ")
        assert gate.release() == "Rain falls."
        assert gate.finish("runs off.") == " It runs off."
        assert gate.judged_count == 2

    def test_never_leave_if_one_is_unsafe(self) -> None:
        gate = SentenceGate(find_tape, holds_sentences=True)
        gate.feed("Rain falls. Then tape it. And more. ")
        assert gate.release() == ""
        assert gate.is_cut
        assert gate.judged_length == len("Rain falls.")
        gate.feed("Much more. ")
        assert gate.release() == gate.finish() == ""
        assert gate.judged_count == 2


class TestWordsThatLeaveAtOnce:
    def test_leave_without_waiting_for_their_sentence(self) -> None:
        gate = SentenceGate(find_tape, holds_sentences=False)
        assert not gate.feed("Rain falls")
        assert gate.release() == "Rain falls"
        assert gate.judged_length == 0

    def test_are_to_be_withdrawn_from_the_beginning_of_an_unsafe_sentence(self) -> None:
        gate = SentenceGate(find_tape, holds_sentences=False)
        gate.feed("Rain falls. Then tape ")
        assert gate.release() == "Rain falls. Then tape "
        gate.feed("it up. And")
        assert gate.release() == ""
        assert gate.is_cut
        assert gate.judged_length == len("Rain falls.")

    def test_are_judged_when_the_answer_ends_within_a_sentence(self) -> None:
        gate = SentenceGate(find_tape, holds_sentences=False)
        gate.feed("Rain falls. Tape")
        gate.release()
        assert gate.finish() == ""
        assert gate.is_cut


def test_the_evidence_counts_from_the_answers_beginning() -> None:
    text = "Rain falls.\n\n- Tape it. "
    gate, _ = run(text, [5], holds_sentences=False)
    [evidence] = gate.verdict.evidence
    assert evidence.start == text.index("- Tape")
    assert evidence.layer == "answer head"


def test_marks_without_words_are_not_judged() -> None:
    gate, _ = run("---\n\n***\n\n> \n", [4], holds_sentences=True)
    assert gate.judged_count == 0
    assert gate.judged_length == len("---\n\n***\n\n> \n")


@pytest.mark.parametrize("holds_sentences", [True, False])
def test_nothing_is_released_after_the_judge_has_failed(holds_sentences: bool) -> None:
    def judge(sentence: str) -> Verdict:
        if "two" in sentence:
            raise RuntimeError
        return SAFE

    gate = SentenceGate(judge, holds_sentences=holds_sentences)
    gate.feed("One. And two. Three. ")
    with pytest.raises(RuntimeError):
        gate.release()
    gate.feed("Four. ")
    assert gate.release() == gate.finish() == ""
    assert gate.judged_length == len("One.")
    assert not gate.is_cut
