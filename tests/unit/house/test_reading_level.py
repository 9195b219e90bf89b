"""Syllables and sentences are counted as the readability formulas define them."""

import pytest

from benchmarks.reading_level import grade, perspicuity


def test_a_grade_is_that_of_kincaid() -> None:
    # 6 words, 1 sentence, 6 syllables.
    assert grade("The cat sat on the mat.") == pytest.approx(0.39 * 6 + 11.8 - 15.59)
    # 4 words, 2 sentences, 11 syllables.
    assert grade("Families remember. Computers forget.") == pytest.approx(0.39 * 2 + 11.8 * 11 / 4 - 15.59)


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("cake", 1),
        ("walked", 1),
        ("wanted", 2),
        ("table", 2),
        ("piano", 3),
        ("trying", 2),
        ("we’ll", 1),
        ("57", 2),
    ],
)
def test_silent_letters_are_not_a_syllable(word: str, syllables: int) -> None:
    assert grade(word) == pytest.approx(0.39 + 11.8 * syllables - 15.59)


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("inteligencia", 5),
        ("guerra", 2),
        ("pingüino", 3),
        ("país", 2),
        ("también", 2),
        ("oído", 3),
        ("leer", 2),
    ],
)
def test_spanish_vowels_join_as_pronounced(word: str, syllables: int) -> None:
    assert perspicuity(word) == pytest.approx(206.835 - 62.3 * syllables - 1)
