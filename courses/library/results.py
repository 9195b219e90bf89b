"""What a search page shows: the passages that speak of a search, by lesson, with the words that were looked for."""

import re
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from courses.models import Lesson, Passage
from courses.retrieval.index import config_of
from courses.retrieval.search import Found, passage_found, passages_rank
from kit.languages import page_language
from kit.sql import read_sql
from kit.texts import normalize_line

# People judge for themselves, so they are shown more than the tutor may cite.
LEAST_SHARE = 0.25
LEAST_NEARNESS = 0.45
MOST_PASSAGES = 12
LONGEST = 200
# Letters that no text has a use for, so that a mark can be told from whatever a text says.
OPEN, CLOSE = "\ue000", "\ue001"
MARKS = f"[{OPEN}{CLOSE}]"
SHOWN = f'StartSel="{OPEN}", StopSel="{CLOSE}", MinWords=18, MaxWords=36, MaxFragments=1'
WHOLE = f'StartSel="{OPEN}", StopSel="{CLOSE}", HighlightAll=true'

MARK_PASSAGES = read_sql(__file__, "mark_passages")


@dataclass(frozen=True)
class Hit:
    """A passage with the words that were looked for in `<mark>`, and everything else escaped."""

    found: Found
    title: SafeString
    excerpt: SafeString


@dataclass(frozen=True)
class LessonHits:
    name: tuple[str, str]
    language: str
    lesson: str
    module: str
    hits: list[Hit]


def asked_for(given: str) -> str:
    """What somebody looks for, as it is read and shown again: one line, and no longer than anybody types."""
    return normalize_line(re.sub("[\ue000\ue001]", " ", given[: LONGEST * 4]))[:LONGEST]


def lessons_find(words: str) -> list[LessonHits]:
    """The lessons that speak of `words`, the best first, each with its passages.

    Those in the reader's language come first, and then those that are not written in it yet, in the first one.
    """
    language = page_language()
    found = _find(words, language)
    if language != settings.LANGUAGE_CODE:
        own = set(Lesson.objects.filter(module__language=language).values_list("module__slug", "slug"))
        found += [one for one in _find(words, settings.LANGUAGE_CODE) if one.name not in own]
    return found


def _find(words: str, language: str) -> list[LessonHits]:
    ranked = passages_rank(
        words,
        most=MOST_PASSAGES,
        language=language,
        least_share=LEAST_SHARE,
        least_nearness=LEAST_NEARNESS,
    )
    if not ranked.ids:
        return []
    passages = Passage.objects.select_related("lesson__module").in_bulk(ranked.ids)
    marked = _marked(ranked.ids, ranked.telling, language)
    places = {passages[pk].lesson_id: place for place, pk in reversed(list(enumerate(ranked.ids)))}
    by_lesson = sorted((passages[pk] for pk in ranked.ids), key=lambda one: places[one.lesson_id])
    return [
        LessonHits(
            name=(lesson.module.slug, lesson.slug),
            language=language,
            lesson=lesson.title,
            module=lesson.module.title,
            hits=[Hit(passage_found(one), *marked[one.pk]) for one in of_lesson],
        )
        for lesson, of_lesson in groupby(by_lesson, key=lambda one: one.lesson)
    ]


def _marked(ids: list[int], telling: str, language: str) -> dict[int, tuple[SafeString, SafeString]]:
    given: dict[str, Any] = {
        "config": config_of(language), "marks": OPEN + CLOSE, "whole": WHOLE, "shown": SHOWN,
        "telling": telling, "ids": ids,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(MARK_PASSAGES, given)
        rows = cursor.fetchall()
    return {pk: (with_marks(title), with_marks(_cut(shown, text))) for pk, title, shown, text in rows}


def _cut(shown: str, text: str) -> str:
    """An excerpt with dots where its text goes on."""
    before, found, after = text.partition(re.sub(MARKS, "", shown))
    begin = before if found and not re.search(r"\w", before) else "… "
    end = after if found and not re.search(r"\w", after) else " …"
    return begin + shown + end


def with_marks(text: str) -> SafeString:
    """A text as HTML: what stands between two marks in `<mark>`, and nothing else of it as HTML."""
    escaped = escape(text)
    shown = re.sub(f"{OPEN}([^{OPEN}{CLOSE}]*){CLOSE}", r"<mark>\1</mark>", escaped)
    return mark_safe(re.sub(MARKS, "", shown))  # noqa: S308 - escaped above
