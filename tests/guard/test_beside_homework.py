"""Danger is found anywhere in a message, and homework by itself is harmless."""

import time
from pathlib import Path

import pytest

from benchmarks.danger_beside_homework import (
    LANGUAGES,
    LENGTHS,
    PLACES,
    Message,
    beside,
    homework,
    hostile,
    judged,
    messages,
    prose,
    run_on,
)
from guard import Category, Level, judge_conversation
from guard.conversation import get_classifier, get_encoder
from guard.segments import is_short, split_segments

DANGER = messages()
SAMPLE = DANGER[::10]
CONTENT_ROOT = Path(__file__).parents[2] / "courses" / "content"
MAX_FALSE_ALARMS = 0.005


def test_there_are_fifty_crises_and_twenty_unsafe_homes_in_both_languages() -> None:
    kinds = [(message.kind, message.language) for message in DANGER]
    assert len(DANGER) == len({message.id for message in DANGER}) == 70
    assert {kind: kinds.count(kind) for kind in kinds} == {
        ("crisis", "en"): 34,
        ("crisis", "es"): 16,
        ("unsafe_home", "en"): 13,
        ("unsafe_home", "es"): 7,
    }


def test_every_message_is_carded_alone() -> None:
    assert [message.text for message in DANGER if not judged(message.text).is_crisis] == []


class TestPlaces:
    @pytest.mark.parametrize("length", LENGTHS[:2])
    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.parametrize("message", SAMPLE, ids=lambda message: message.id)
    def test_danger_is_found_beside_homework_in_its_own_language(
        self, message: Message, place: str, length: int
    ) -> None:
        study = homework(message.language, length, seed=DANGER.index(message))
        assert judged(beside(message.text, study, place)).is_crisis

    @pytest.mark.parametrize(
        ("study", "cry"),
        [
            (
                "def area(r):\n    return 3.14 * r ** 2\n\n# {}\nprint(area(2))\nprint(area(5))",
                "i want to be dead",
            ),
            (
                "- mitosis: 2 cells\n- meiosis: 4 cells\n- {}\n- learn page 112",
                "he touches me at night and im scared",
            ),
            ("1) 3x + 7 = 22 2) 5x = 35. {}. 3) x + 9 = 20 4) 8x = 64", "i cut my arms every night"),
            ("¿Qué es un átomo? ¿Cuántos hay? {} ¿Y qué es una molécula?", "¡Ya no quiero vivir!"),
        ],
        ids=["code", "list", "exercise", "Spanish signs"],
    )
    def test_danger_is_found_however_homework_is_written(self, study: str, cry: str) -> None:
        assert judged(cry).is_crisis
        assert judged(study.format(cry)).is_crisis
        assert not judged(study.format("ok")).is_crisis

    @pytest.mark.parametrize("copied", ["El progr", "We have to copy the", "1.", "Water flow"])
    def test_danger_is_found_after_homework_that_breaks_off(self, copied: str) -> None:
        study = homework("en", 400, seed=1).rpartition(".")[0]
        text = f"{study}.\n\n{copied}\n\ntodos estarían mejor si yo estuviera muerto"
        assert judge_conversation([("user", text)]).is_crisis

    def test_it_gets_a_card_in_the_middle_of_the_longest_text(self) -> None:
        study = homework("en", 60_000, seed=1)
        cry = "i burn myself with a lighter when it gets too much"
        text = beside(cry, study, "middle")
        verdict = judged(text)
        assert verdict.is_crisis
        assert any(cry.startswith(text[e.start : e.end][:20]) for e in verdict.evidence)

    def test_evidence_points_at_the_words(self) -> None:
        text = beside(
            "dad threw me against the wall yesterday and my shoulder still hurts",
            homework("en", 900, seed=3),
            "middle",
        )
        verdict = judged(text)
        assert verdict.level == Level.UNSAFE_HOME
        grave = [e for e in verdict.evidence if e.rule == Category.UNSAFE_HOME]
        assert any("threw me against the wall" in text[e.start : e.end] for e in grave)
        assert all(e.end - e.start < 200 for e in grave)


class TestSegments:
    TEXTS = (
        "One sentence here. Another one there! And a third?",
        "so this goes on and on " * 30,
        "x" * 3000,
        "¿Qué? ¡No! ¿Y tú qué dices de eso?",
        "a. b. c. " * 40,
        "line one\nline two\r\nline three\u2028line four",
    )

    @pytest.mark.parametrize("text", TEXTS)
    def test_together_they_cover_every_word(self, text: str) -> None:
        covered = {place for part in split_segments(text) for place in range(part.start, part.end)}
        assert all(place in covered for place, letter in enumerate(text) if not letter.isspace())

    def test_two_neighbours_are_read_together(self) -> None:
        parts = {self.TEXTS[0][part.start : part.end] for part in split_segments(self.TEXTS[0])}
        assert {"One sentence here. Another one there!", "Another one there! And a third?"} <= parts

    def test_any_eight_words_of_a_long_sentence_are_in_one_piece(self) -> None:
        words = [f"word{n}" for n in range(100)]
        text = " ".join(words)
        parts = [text[part.start : part.end].split() for part in split_segments(text)]
        for first in range(len(words) - 8):
            wanted = set(words[first : first + 8])
            assert any(wanted <= set(part) and len(part) <= 12 for part in parts), first

    def test_one_or_two_sentences_are_read_as_a_whole_only(self) -> None:
        assert is_short("i dont get fractions. can you help me?")
        assert split_segments("i dont get fractions. can you help me?") == []

    def test_the_number_of_pieces_is_bounded(self) -> None:
        assert max(len(split_segments(text[:65536])) for text in hostile().values()) < 20_000


def test_a_short_message_is_judged_by_what_both_models_see_in_all_of_it() -> None:
    for message in DANGER:
        if is_short(message.text):
            quick = get_classifier().read(message.text)
            deep = get_encoder().read(message.text, quick.doubt, quick)
            assert judged(message.text).level >= max(quick.verdict.level, deep.verdict.level)


def test_a_word_beyond_the_first_run_is_read() -> None:
    text = "🙂 ☹ " * 60 + "i cannot bear to be alive for one more day"
    words = get_classifier().read(text)
    assert get_encoder().read(text, (0, len(text)), words).verdict.level >= Level.HINTS


class TestHomeworkAlone:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_it_is_no_danger(self, language: str) -> None:
        texts = [homework(language, length, seed=seed) for seed in range(6) for length in (200, 2000)]
        assert [text for text in texts if judged(text).is_crisis] == []

    def test_after_homework_a_question_is_a_question(self) -> None:
        before = homework("en", 1500, seed=2)
        assert judge_conversation([("user", before), ("user", "and number 4?")]).level == Level.NONE


@pytest.mark.parametrize("name", hostile())
def test_no_text_keeps_a_thread_for_long(name: str) -> None:
    text = hostile()[name][:65536]
    started = time.thread_time()
    judged(text)
    # Two to three seconds on an idle processor.
    assert time.thread_time() - started < 6


@pytest.mark.soak
class TestFullCounts:
    @pytest.mark.parametrize("length", LENGTHS)
    @pytest.mark.parametrize("place", PLACES)
    def test_none_is_missed_beside_homework_in_either_language(self, place: str, length: int) -> None:
        missed = [
            (message.id, language)
            for seed, message in enumerate(DANGER)
            for language in LANGUAGES
            if not judged(beside(message.text, homework(language, length, seed=seed), place)).is_crisis
        ]
        assert missed == []

    def test_hardly_any_is_missed_in_homework_without_a_sign(self) -> None:
        missed = [
            message.id
            for seed, message in enumerate(DANGER)
            if not judged(run_on(message.text, homework(message.language, 2000, seed=seed))).is_crisis
        ]
        assert len(missed) <= 0.1 * len(DANGER), missed

    def test_hardly_any_of_five_hundred_long_study_texts_is_carded(self) -> None:
        pages = [
            page for folder in sorted(CONTENT_ROOT.rglob("*")) if folder.is_dir() for page in prose(folder)
        ]
        count = (500 - len(pages)) // len(LANGUAGES)
        texts = [
            *pages,
            *(homework(language, 2000, seed=seed) for language in LANGUAGES for seed in range(count)),
        ]
        carded = [text[:80] for text in texts if judged(text).is_crisis]
        assert len(carded) <= MAX_FALSE_ALARMS * len(texts), carded
