"""Search results: the passages that match a query, grouped by lesson, with the matching words marked."""

import re
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from courses.models import Lesson, Passage
from courses.retrieval.index import get_search_config
from courses.retrieval.search import FoundPassage, build_found_passage, rank_passages
from kit.languages import get_page_language
from kit.sql import read_sql
from kit.texts import normalize_line

# Lower than for the tutor's citations: people judge results themselves.
MIN_SHARE = 0.25
MIN_SIMILARITY = 0.45
MAX_PASSAGES = 12
MAX_QUERY_LENGTH = 200
# Private-use characters, so that a mark can't be confused with the text.
MARK_START, MARK_END = "\ue000", "\ue001"
MARK_PATTERN = f"[{MARK_START}{MARK_END}]"
EXCERPT_OPTIONS = f'StartSel="{MARK_START}", StopSel="{MARK_END}", MinWords=18, MaxWords=36, MaxFragments=1'
WHOLE_TEXT_OPTIONS = f'StartSel="{MARK_START}", StopSel="{MARK_END}", HighlightAll=true'

MARK_PASSAGES = read_sql(__file__, "mark_passages")


@dataclass(frozen=True)
class PassageResult:
    """A passage with the matching words in `<mark>`; everything else is escaped."""

    passage: FoundPassage
    title: SafeString
    excerpt: SafeString


@dataclass(frozen=True)
class LessonResult:
    name: tuple[str, str]
    language: str
    lesson: str
    module: str
    hits: list[PassageResult]


def clean_query(typed: str) -> str:
    """Return a query as one line of at most MAX_QUERY_LENGTH characters."""
    return normalize_line(re.sub("[\ue000\ue001]", " ", typed[: MAX_QUERY_LENGTH * 4]))[:MAX_QUERY_LENGTH]


def search_lessons(words: str) -> list[LessonResult]:
    """Return the lessons that match, the best first, each with its passages.

    Lessons in the reader's language come first, then untranslated ones in the default language.
    """
    language = get_page_language()
    results = _search(words, language)
    if language != settings.LANGUAGE_CODE:
        own = set(Lesson.objects.filter(module__language=language).values_list("module__slug", "slug"))
        results += [result for result in _search(words, settings.LANGUAGE_CODE) if result.name not in own]
    return results


def _search(words: str, language: str) -> list[LessonResult]:
    ranked = rank_passages(
        words,
        most=MAX_PASSAGES,
        language=language,
        min_share=MIN_SHARE,
        min_similarity=MIN_SIMILARITY,
    )
    if not ranked.keys:
        return []
    by_key = {
        passage.key: passage
        for passage in Passage.objects.filter(language=language, key__in=ranked.keys).select_related(
            "lesson__module"
        )
    }
    found = [by_key[key] for key in ranked.keys if key in by_key]
    marked = _mark_passages([passage.pk for passage in found], ranked.highlight_query, language)
    places = {passage.lesson_id: place for place, passage in reversed(list(enumerate(found)))}
    by_lesson = sorted(found, key=lambda passage: places[passage.lesson_id])
    return [
        LessonResult(
            name=(lesson.module.slug, lesson.slug),
            language=language,
            lesson=lesson.title,
            module=lesson.module.title,
            hits=[PassageResult(build_found_passage(passage), *marked[passage.pk]) for passage in of_lesson],
        )
        for lesson, of_lesson in groupby(by_lesson, key=lambda passage: passage.lesson)
    ]


def _mark_passages(ids: list[int], query: str, language: str) -> dict[int, tuple[SafeString, SafeString]]:
    parameters: dict[str, Any] = {
        "config": get_search_config(language),
        "marks": MARK_START + MARK_END,
        "whole": WHOLE_TEXT_OPTIONS,
        "shown": EXCERPT_OPTIONS,
        "query": query,
        "ids": ids,
    }
    with connection.cursor() as cursor:
        cursor.execute(MARK_PASSAGES, parameters)
        rows = cursor.fetchall()
    return {
        pk: (render_marks(title), render_marks(_add_ellipses(shown, text))) for pk, title, shown, text in rows
    }


def _add_ellipses(shown: str, text: str) -> str:
    """Add an ellipsis where the text continues before or after the excerpt."""
    before, hit, after = text.partition(re.sub(MARK_PATTERN, "", shown))
    begin = before if hit and not re.search(r"\w", before) else "… "
    end = after if hit and not re.search(r"\w", after) else " …"
    return begin + shown + end


def render_marks(text: str) -> SafeString:
    """Return the text as HTML, escaped, with `<mark>` between the mark characters."""
    escaped = escape(text)
    shown = re.sub(f"{MARK_START}([^{MARK_START}{MARK_END}]*){MARK_END}", r"<mark>\1</mark>", escaped)
    return mark_safe(re.sub(MARK_PATTERN, "", shown))  # noqa: S308 - escaped above
