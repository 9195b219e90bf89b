"""Makes the passages of lessons findable: their words by weight, and every word with how many passages know it."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.db import connection

from courses.models import Passage, Phrase
from courses.retrieval.wording import wording_of
from meaning import sense_of

# "Something" and "want" say less than how seldom lessons use them.
ORDINARY = 0.4
CONFIGS = {"en": "english", "es": "spanish"}
# In other languages words alone are compared.
UNDERSTOOD = ["en"]
# PostgreSQL takes a mark outside ASCII for a part of its word, and “¿qué” for a word that no lesson has.
MARKS = {"marks": "’¿¡“”‘«»…–—", "plain": "'" + " " * 10}

WORDS_OF_PASSAGES = """
UPDATE courses_passage SET search =
    setweight(to_tsvector(%(config)s::regconfig, translate(title || ' ' || asked, %(marks)s, %(plain)s)), 'A') ||
    setweight(to_tsvector(%(config)s::regconfig, translate(text, %(marks)s, %(plain)s)), 'B') ||
    setweight(to_tsvector(%(config)s::regconfig, coalesce((
        SELECT string_agg(phrase.text, ' ' ORDER BY id) FROM courses_phrase AS phrase
        WHERE passage_id = courses_passage.id
    ), '')), 'C')
WHERE language = %(language)s
"""

# `word` as it is written, to be found under a slip; `lexeme` as search knows it, which many words may share.
TERMS = """
INSERT INTO courses_term (language, word, lexeme, passages)
SELECT %(language)s, written.word, known.lexeme, known.ndoc
FROM ts_stat(format(
    'SELECT to_tsvector(''simple'', translate(concat_ws('' '', title, asked, text,
         (SELECT string_agg(phrase.text, '' '') FROM courses_phrase AS phrase WHERE passage_id = passage.id)),
         %%L, %%L))
     FROM courses_passage AS passage WHERE language = %%L',
    %(marks)s::text, %(plain)s::text, %(language)s::text)) AS written
CROSS JOIN LATERAL unnest(to_tsvector(%(config)s::regconfig, written.word)) AS stemmed
JOIN (SELECT word AS lexeme, ndoc FROM ts_stat(format(
    'SELECT search FROM courses_passage WHERE language = %%L', %(language)s::text))) AS known
    ON known.lexeme = stemmed.lexeme
ON CONFLICT DO NOTHING
"""

# Each with what its words weigh, as courses.retrieval.search weighs those of a question.
PHRASES = """
WITH known AS MATERIALIZED (
    SELECT word AS lexeme, ln(1 + (SELECT count(*) FROM courses_passage WHERE language = %(language)s) / (0.5 + ndoc))
        * CASE WHEN to_tsvector(%(config)s::regconfig, %(ordinary_words)s) @@ quote_literal(word)::tsquery
            THEN %(ordinary)s ELSE 1 END AS weight
    FROM ts_stat(format('SELECT search FROM courses_passage WHERE language = %%L', %(language)s::text))
), stemmed AS MATERIALIZED (
    SELECT phrase.id, to_tsvector(%(config)s::regconfig, phrase.text) AS words FROM courses_phrase AS phrase
    JOIN courses_passage AS passage ON passage.id = passage_id WHERE passage.language = %(language)s
)
UPDATE courses_phrase AS phrase SET search = words, weight = total
FROM (
    SELECT id, words, coalesce(sum(known.weight ORDER BY lexeme), 0) AS total FROM stemmed
    LEFT JOIN LATERAL unnest(tsvector_to_array(words)) AS lexeme ON true LEFT JOIN known USING (lexeme)
    GROUP BY id, words
) AS weighed
WHERE weighed.id = phrase.id
"""

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
            cursor.execute(WORDS_OF_PASSAGES, given)
            cursor.execute(TERMS, given)
            cursor.execute(PHRASES, given)
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
