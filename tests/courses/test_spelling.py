"""Misspelled words are corrected as pg_trgm does it, which is asked here."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from courses.models import LessonWord
from courses.retrieval.spelling import Spelling, list_trigrams
from tests.courses.test_stemming import HOSTILE

pytestmark = pytest.mark.django_db

patient = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@patient
@given(
    words=st.lists(st.from_regex(r"[a-f]{1,6}[-/'.é]?[a-f1]{0,4}", fullmatch=True), min_size=1, max_size=30),
    asked=st.from_regex(r"[a-f]{1,7}[_'é]?[a-f1]{0,4}", fullmatch=True),
)
def test_finds_the_word_that_pg_trgm_finds(words: list[str], asked: str) -> None:
    words = sorted(set(words))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT word FROM unnest(%s::text[]) AS word WHERE similarity(word, %s) >= 0.5"
            ' ORDER BY similarity(word, %s) DESC, word COLLATE "C" LIMIT 1',
            [words, asked, asked],
        )
        row = cursor.fetchone()
    place = Spelling(words).find_most_similar(asked, min_similarity=0.5)
    assert (None if place is None else words[place]) == (row and row[0])


@pytest.mark.usefixtures("library")
def test_cuts_the_trigrams_that_pg_trgm_cuts() -> None:
    words = [*LessonWord.objects.values_list("word", flat=True).distinct(), *HOSTILE[0].split()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT word, show_trgm(word) FROM unnest(%s::text[]) AS word", [words])
        for word, trigrams in cursor.fetchall():
            assert sorted(list_trigrams(word)) == sorted(trigrams), word


def test_a_word_that_is_too_long_for_any_lesson_word_is_not_looked_up() -> None:
    assert Spelling(["chatbot", "train"]).find_most_similar("abcdefghi" * 7, min_similarity=0.5) is None


def test_nothing_is_found_without_words_or_letters() -> None:
    assert Spelling([]).find_most_similar("chatbot", min_similarity=0.5) is None
    assert Spelling(["chatbot"]).find_most_similar("日本語の", min_similarity=0.5) is None


def test_the_first_of_equally_similar_words_is_preferred() -> None:
    assert Spelling(["trains", "trainy"]).find_most_similar("trainx", min_similarity=0.5) == 0
