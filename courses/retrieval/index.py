"""Build the search index of passages: weighted words, lesson words with their frequencies, and embeddings."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.db import connection, transaction

from courses.models import Passage, Phrase
from courses.retrieval.current_index import note_library_change
from courses.retrieval.wording import get_wording
from encoders import embed
from kit.sql import read_sql

# For common words such as "something", which lessons use so rarely that their weight would be too high.
COMMON_WORD_WEIGHT = 0.4
SEARCH_CONFIGS = {"en": "english", "es": "spanish"}
# In other languages search compares words only.
EMBEDDED_LANGUAGES = ["en"]
# PostgreSQL treats non-ASCII punctuation as part of a word, so “¿qué” would match nothing.
MARKS = {"marks": "’¿¡“”‘«»…–—", "plain": "'" + " " * 10}

INDEX_PASSAGES = read_sql(__file__, "index_passages")
INDEX_LESSON_WORDS = read_sql(__file__, "index_lesson_words")
INDEX_PHRASES = read_sql(__file__, "index_phrases")
SAVE_PASSAGE_EMBEDDINGS = """
UPDATE courses_passage SET embedding = found FROM unnest(%(ids)s::bigint[], %(embeddings)s::bytea[]) AS new (pk, found)
WHERE id = pk
"""
SAVE_PHRASE_EMBEDDINGS = """
UPDATE courses_phrase SET embedding = found FROM unnest(%(ids)s::bigint[], %(embeddings)s::bytea[]) AS new (pk, found)
WHERE id = pk
"""


def get_search_config(language: str) -> str:
    """Return PostgreSQL's text search configuration for a language."""
    return SEARCH_CONFIGS.get(language, "simple")


@transaction.atomic
def index_passages() -> None:
    """Index every passage and phrase, in its own language. Replaces the lesson words and the library's version."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM courses_lessonword")
        for language in Passage.objects.values_list("language", flat=True).distinct().order_by():
            parameters: dict[str, Any] = {
                "language": language,
                "config": get_search_config(language),
                "ordinary_words": get_wording(language).ordinary,
                "ordinary": COMMON_WORD_WEIGHT,
            } | MARKS
            cursor.execute(INDEX_PASSAGES, parameters)
            cursor.execute(INDEX_LESSON_WORDS, parameters)
            cursor.execute(INDEX_PHRASES, parameters)
    passages = Passage.objects.filter(language__in=EMBEDDED_LANGUAGES).exclude(extra_search_words="")
    _save_embeddings(SAVE_PASSAGE_EMBEDDINGS, passages.values_list("pk", "extra_search_words"))
    _save_embeddings(
        SAVE_PHRASE_EMBEDDINGS,
        Phrase.objects.filter(passage__language__in=EMBEDDED_LANGUAGES).values_list("pk", "text"),
    )
    note_library_change()


def _save_embeddings(statement: str, texts: Iterable[tuple[int, str]]) -> None:
    embeddings = {pk: _embed(text) for pk, text in texts}
    with connection.cursor() as cursor:
        cursor.execute(statement, {"ids": list(embeddings), "embeddings": list(embeddings.values())})


@lru_cache(maxsize=4096)
def _embed(text: str) -> bytes:
    """Return the embedding, cached.

    Only for library texts, which tests and previews load repeatedly; never for questions.
    """
    return embed(text)
