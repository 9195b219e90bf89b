"""Makes the passages of lessons findable: their words by weight, and every word with how many passages know it."""

from django.db import connection

from courses.models import Passage

CONFIGS = {"en": "english", "es": "spanish"}
# PostgreSQL takes a mark outside ASCII for a part of its word, and “¿qué” for a word that no lesson has.
MARKS = {"marks": "’¿¡“”‘«»…–—", "plain": "'" + " " * 10}

WORDS_OF_PASSAGES = """
UPDATE courses_passage SET search =
    setweight(to_tsvector(%(config)s::regconfig, translate(title || ' ' || asked, %(marks)s, %(plain)s)), 'A') ||
    setweight(to_tsvector(%(config)s::regconfig, translate(text, %(marks)s, %(plain)s)), 'B')
WHERE language = %(language)s
"""

# `word` as it is written, to be found under a slip; `lexeme` as search knows it, which many words may share.
TERMS = """
INSERT INTO courses_term (language, word, lexeme, passages)
SELECT %(language)s, written.word, known.lexeme, known.ndoc
FROM ts_stat(format(
    'SELECT to_tsvector(''simple'', translate(concat_ws('' '', title, asked, text), %%L, %%L))
     FROM courses_passage WHERE language = %%L',
    %(marks)s::text, %(plain)s::text, %(language)s::text)) AS written
CROSS JOIN LATERAL unnest(to_tsvector(%(config)s::regconfig, written.word)) AS stemmed
JOIN (SELECT word AS lexeme, ndoc FROM ts_stat(format(
    'SELECT search FROM courses_passage WHERE language = %%L', %(language)s::text))) AS known
    ON known.lexeme = stemmed.lexeme
ON CONFLICT DO NOTHING
"""


def config_of(language: str) -> str:
    """PostgreSQL's name for how words of a language are stemmed."""
    return CONFIGS.get(language, "simple")


def passages_index() -> None:
    """Make every passage findable, in the words of its language."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM courses_term")
        for language in Passage.objects.values_list("language", flat=True).distinct().order_by():
            given = {"language": language, "config": config_of(language)} | MARKS
            cursor.execute(WORDS_OF_PASSAGES, given)
            cursor.execute(TERMS, given)
