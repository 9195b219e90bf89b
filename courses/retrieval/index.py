"""Makes the passages of lessons findable: their words by weight, and every word with how many passages know it."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.db import connection

from courses.models import Passage, Phrase
from courses.retrieval.wording import wording_of
from encoders import sense_of
from kit.sql import read_sql

# "Something" and "want" say less than how seldom lessons use them.
ORDINARY = 0.4
CONFIGS = {"en": "english", "es": "spanish"}
# In other languages words alone are compared.
UNDERSTOOD = ["en"]
# PostgreSQL takes a mark outside ASCII for a part of its word, and “¿qué” for a word that no lesson has.
MARKS = {"marks": "’¿¡“”‘«»…–—", "plain": "'" + " " * 10}

INDEX_PASSAGES = read_sql(__file__, "index_passages")
INDEX_TERMS = read_sql(__file__, "index_terms")
INDEX_PHRASES = read_sql(__file__, "index_phrases")
SENSE_OF_PASSAGE = """
UPDATE courses_passage SET sense = found FROM unnest(%(ids)s::bigint[], %(senses)s::bytea[]) AS new (pk, found)
WHERE id = pk
"""
SENSE_OF_PHRASE = """
UPDATE courses_phrase SET sense = found FROM unnest(%(ids)s::bigint[], %(senses)s::bytea[]) AS new (pk, found)
WHERE id = pk
"""


def config_of(language: str) -> str:
    """PostgreSQL's name for how words of a language are stemmed."""
    return CONFIGS.get(language, "simple")


def passages_index() -> None:
    """Make every passage findable, in the words of its language."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM courses_term")
        for language in Passage.objects.values_list("language", flat=True).distinct().order_by():
            given: dict[str, Any] = {
                "language": language,
                "config": config_of(language),
                "ordinary_words": wording_of(language).ordinary,
                "ordinary": ORDINARY,
            } | MARKS
            cursor.execute(INDEX_PASSAGES, given)
            cursor.execute(INDEX_TERMS, given)
            cursor.execute(INDEX_PHRASES, given)
    passages = Passage.objects.filter(language__in=UNDERSTOOD).exclude(asked="")
    _senses_keep(SENSE_OF_PASSAGE, passages.values_list("pk", "asked"))
    _senses_keep(
        SENSE_OF_PHRASE, Phrase.objects.filter(passage__language__in=UNDERSTOOD).values_list("pk", "text")
    )


def _senses_keep(statement: str, texts: Iterable[tuple[int, str]]) -> None:
    found = {pk: _sense_of(text) for pk, text in texts}
    with connection.cursor() as cursor:
        cursor.execute(statement, {"ids": list(found), "senses": list(found.values())})


@lru_cache(maxsize=4096)
def _sense_of(text: str) -> bytes:
    """Of the library alone, which tests and authors load more than once. What people ask is not kept."""
    return sense_of(text)
