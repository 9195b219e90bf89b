"""Finds the passages of lessons that speak of what somebody asks, by PostgreSQL's full-text search."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.urls import reverse

from courses.languages import page_language, read_in
from courses.models import Passage

CONFIGS = {"en": "english", "es": "spanish"}
# A passage speaks of a question when it has at least this share of what is particular in it (see passages_find).
LEAST_SHARE = 0.42
# Words of a long question beyond these add nothing but work.
MOST_LEXEMES = 40
# A word in a heading or among `asked` says what a passage is about; one in its text may be there in passing.
IN_TEXT = 0.5
# PostgreSQL takes a mark outside ASCII for a part of its word, and “¿qué” for a word that no lesson has.
MARKS = {"marks": "’¿¡“”‘«»…–—", "plain": "'" + " " * 10}

INDEX = """
UPDATE courses_passage SET search =
    setweight(to_tsvector(%(config)s::regconfig, translate(title || ' ' || asked, %(marks)s, %(plain)s)), 'A') ||
    setweight(to_tsvector(%(config)s::regconfig, translate(text, %(marks)s, %(plain)s)), 'B')
WHERE language = %(language)s
"""

FIND = """
WITH asked AS (
    SELECT lexeme, quote_literal(lexeme) AS quoted
    FROM unnest(to_tsvector(%(config)s::regconfig, translate(%(question)s, %(marks)s, %(plain)s))) AS words
    LIMIT %(most_lexemes)s
), weighed AS (
    SELECT quoted, ln(1 + (SELECT count(*) FROM courses_passage WHERE language = %(language)s) / (
        0.5 + (SELECT count(*) FROM courses_passage
               WHERE language = %(language)s AND search @@ quoted::tsquery))) AS weight
    FROM asked
)
SELECT id FROM (
    SELECT passage.id,
        sum(weight * (passage.search @@ (quoted || ':B')::tsquery)::int) AS said,
        sum(weight * CASE WHEN passage.search @@ (quoted || ':A')::tsquery THEN 1 ELSE %(in_text)s END)
            / (SELECT sum(weight) FROM weighed) AS share
    FROM courses_passage AS passage JOIN weighed ON passage.search @@ quoted::tsquery
    WHERE passage.language = %(language)s
    GROUP BY passage.id
) AS found
WHERE share >= %(least_share)s ORDER BY share DESC, said DESC, id LIMIT %(most)s
"""


@dataclass(frozen=True)
class Found:
    """A passage as it can be cited: `key` names it for good, `url` leads to it on this site."""

    key: str
    title: str
    lesson: str
    text: str
    language: str

    @property
    def url(self) -> str:
        path, _, anchor = self.key.partition("#")
        address = reverse("courses:lesson", args=path.split("/"))
        return f"{address}#{anchor}" if anchor else address


def passages_index() -> None:
    """Make every passage findable, in the words of its language."""
    with connection.cursor() as cursor:
        for language in Passage.objects.values_list("language", flat=True).distinct().order_by():
            cursor.execute(INDEX, {"language": language, "config": CONFIGS.get(language, "simple")} | MARKS)


def passages_find(question: str, *, most: int = 2, language: str | None = None) -> list[Found]:
    """The passages that speak of a question, best first; none when no lesson covers it.

    Each of the question's words weighs ln(1 + N / (0.5 + n)), where n of all N passages have it: a word that
    every lesson uses says little, one that no lesson knows says much. A passage is found when the words that it
    has weigh enough against all of them. What nothing speaks of in the reader's language is looked for in the first
    one: families ask in both.
    """
    language = language or page_language()
    ids = _ids(question, most=most, language=language)
    if not ids and language != settings.LANGUAGE_CODE:
        ids = _ids(question, most=most, language=settings.LANGUAGE_CODE)
    passages = Passage.objects.select_related("lesson").filter(pk__in=ids)
    by_id = {passage.pk: passage for passage in passages}
    return [_found(by_id[pk]) for pk in ids]


def _ids(question: str, *, most: int, language: str) -> list[int]:
    given: dict[str, str | int | float] = {
        "question": question.replace("\0", " "),
        "language": language,
        "config": CONFIGS.get(language, "simple"),
        "most_lexemes": MOST_LEXEMES,
        "in_text": IN_TEXT,
        "least_share": LEAST_SHARE,
        "most": most,
        **MARKS,
    }
    with connection.cursor() as cursor:
        cursor.execute(FIND, given)
        return [row[0] for row in cursor.fetchall()]


def passages_of(keys: Iterable[str], *, language: str | None = None) -> dict[str, Found]:
    """The passages with these keys, by key and in their order. One that was taken out of its lesson is left out.

    Each is in `language`, or the page's, or in the first one until it is written in that.
    """
    wanted: Sequence[str] = list(dict.fromkeys(keys))
    if not wanted:
        return {}
    passages = read_in(Passage.objects.all(), name="key", language=language or page_language()).filter(
        key__in=wanted
    )
    by_key = {passage.key: _found(passage) for passage in passages.select_related("lesson")}
    return {key: by_key[key] for key in wanted if key in by_key}


def _found(passage: Passage) -> Found:
    return Found(
        key=passage.key,
        title=passage.title,
        lesson=passage.lesson.title,
        text=passage.text,
        language=passage.language,
    )
