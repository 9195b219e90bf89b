"""Words are cut and stemmed as PostgreSQL does it, which is asked here."""

import random
from pathlib import Path

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from courses.retrieval.index import get_search_config
from courses.retrieval.stemming import STEMMERS, list_lexemes
from courses.retrieval.wording import WORD, get_wording

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ["en", "es", "fr"]
HOSTILE = [
    "1e5x foo_bar don't e5é a²b 12e5 1e5e6 007 5th 0x1f",
    "user@example.com https://example.org/a_b?c=1#d 192.168.0.1 -1.5e-3",
    "\0null\0byte AI",
    "😀 emoji 👍🏽 chatbot",
    "chatbott " * 900,
    "x" * 8000,
    " ".join("abcdefghij"[n % 10] * 9 + str(n) for n in range(900)),
    "aprender-máquina ñandú'x naïve café résumé depresión deprecion",
    "٣ab ½ ⅷ ① 日本語 ſ ß",
]
patient = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def read_lexemes(words: list[str], language: str) -> list[list[str]]:
    """Return the lexemes of each word, as PostgreSQL has them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tsvector_to_array(to_tsvector(%s::regconfig, word)) FROM unnest(%s::text[]) AS word",
            [get_search_config(language), words],
        )
        return [lexemes for (lexemes,) in cursor.fetchall()]


@pytest.mark.parametrize("language", LANGUAGES)
class TestLexemes:
    def test_of_all_words_in_lessons_questions_and_lists_are_those_of_postgresql(self, language: str) -> None:
        folders = ("courses", "benchmarks/lesson_questions", "platform/guard", "platform/encoders", "locale")
        texts = [
            path.read_text()
            for folder in folders
            for path in (ROOT / folder).rglob("*")
            if path.suffix in {".md", ".toml", ".jsonl", ".txt", ".po"}
        ]
        words = sorted({word[:60] for text in texts for word in WORD.findall(text.lower().replace("’", "'"))})
        assert len(words) > 30_000
        for word, lexemes in zip(words, read_lexemes(words, language), strict=True):
            assert sorted(set(list_lexemes(word, language, {}))) == lexemes, word

    def test_of_regular_endings_are_those_of_postgresql(self, language: str) -> None:
        chance = random.Random(7)  # noqa: S311
        stems = [
            "".join(chance.choices("aeiouyaeiousstnrlcdmpgwéíóñü", k=chance.randint(1, 9)))
            for _ in range(4000)
        ]
        endings = (
            "s es ed eed ing ingly ational ization fulness ousness iveness ment ality ability ibly y ies ied ogi ogy"
            " li ly ative icate ance ion tion amente mente ando iendo yendo ándose iéndolo ción ciones idad idades"
            " logía encia aba ieron áis éis emos gue guen íamos ara ó é"
        )  # fmt: skip
        words = sorted({stem + ending for stem in stems for ending in chance.choices(endings.split(), k=6)})
        for word, lexemes in zip(words, read_lexemes(words, language), strict=True):
            assert list_lexemes(word, language, {}) == lexemes, word

    @patient
    @given(question=st.text(max_size=200) | st.from_regex(r"[a-z0-9_'éñ@./:-]{0,60}", fullmatch=True))
    @example(question=" ".join(HOSTILE))
    def test_of_any_text_are_those_of_postgresql(self, question: str, language: str) -> None:
        words = get_wording(language).simplify_words(question.replace("\0", " "))
        for word, lexemes in zip(words, read_lexemes(words, language), strict=True):
            assert sorted(set(list_lexemes(word, language, {}))) == lexemes, word


@pytest.mark.parametrize("language", STEMMERS)
def test_stop_words_are_those_of_postgresql(language: str) -> None:
    path = ROOT / "courses" / "retrieval" / "stemming" / f"stop_words_{language}.txt"
    words = path.read_text(encoding="utf-8").split()
    assert words
    assert not any(read_lexemes(words, language))
