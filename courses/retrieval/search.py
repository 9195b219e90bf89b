"""Finds the passages of lessons that speak of what somebody asks, by their words and by what they mean."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.urls import reverse

from courses.models import Passage, Term
from courses.retrieval.index import COMMON_WORD_WEIGHT, EMBEDDED_LANGUAGES, get_search_config
from courses.retrieval.wording import get_wording
from encoders import compute_similarity, embed
from kit.languages import get_page_language, select_language
from kit.sql import read_sql

# A passage speaks of a question when it has at least this share of what is particular in it (see find_passages).
MIN_SHARE = 0.42
# A question about AI is likely to be covered, so less is asked of it.
MIN_SHARE_ON_SUBJECT = 0.3
# A word in a heading or among `asked` says what a passage is about; one in its text may be there in passing.
TEXT_WEIGHT = 0.5
# So many words of a phrase must be asked, as "tonight" alone is in many; an ordinary one counts half.
MIN_PHRASE_WORDS = 1.5
# A passage also speaks of a question when one of its phrases means what is asked: the cosine between the two.
MIN_SIMILARITY = 0.6
# How alike, by trigrams, a word must be to one that lessons use to pass for a slip of it, and what it then is worth.
MIN_SPELLING_SIMILARITY = 0.5
CORRECTED_WORD_WEIGHT = 0.6

FIND_PASSAGES = read_sql(__file__, "find_passages")
READ_EMBEDDINGS = read_sql(__file__, "read_embeddings")


@dataclass(frozen=True)
class FoundPassage:
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


@dataclass(frozen=True)
class RankedPassages:
    """Passages by id, best first, and a text search query of the words that told them apart."""

    ids: list[int]
    telling: str


def rank_passages(
    question: str,
    *,
    most: int,
    language: str,
    min_share: float | None = None,
    min_similarity: float = MIN_SIMILARITY,
) -> RankedPassages:
    """The passages that speak of a question, as find_passages weighs them.

    `min_share` is how much of the question a passage has to have; None is as much as it takes to be cited. Or it has
    a phrase that comes at least as near to the question as `min_similarity`.
    """
    wording = get_wording(language)
    words = wording.words_of(question.replace("\0", " "))
    if min_share is None:
        min_share = MIN_SHARE_ON_SUBJECT if wording.is_on_subject(words) else MIN_SHARE
    near = _measure_similarity(" ".join(words), language)
    given: dict[str, Any] = {
        "words": words,
        "near": list(near),
        "nearness": list(near.values()),
        "min_similarity": min_similarity,
        "ordinary_words": wording.ordinary,
        "language": language,
        "config": get_search_config(language),
        "in_text": TEXT_WEIGHT,
        "ordinary": COMMON_WORD_WEIGHT,
        "min_phrase_words": MIN_PHRASE_WORDS,
        "likeness": MIN_SPELLING_SIMILARITY,
        "likely": CORRECTED_WORD_WEIGHT,
        "min_share": min_share,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(FIND_PASSAGES, given)
        rows = cursor.fetchall()
    return RankedPassages([row[0] for row in rows], rows[0][1] if rows else "")


def _measure_similarity(asked: str, language: str) -> dict[int, float]:
    """How near in meaning each passage of a language comes to what is asked, by what it is asked for under."""
    if language not in EMBEDDED_LANGUAGES or not (embedding := embed(asked)):
        return {}
    with connection.cursor() as cursor:
        cursor.execute(READ_EMBEDDINGS, {"language": language})
        passages, embeddings = cursor.fetchone()
    if not passages:
        return {}
    nearest: defaultdict[int, float] = defaultdict(float)
    for passage, near in zip(passages, compute_similarity(embedding, embeddings).tolist(), strict=True):
        nearest[passage] = max(nearest[passage], near)
    return nearest


def find_passages(question: str, *, most: int = 2, language: str | None = None) -> list[FoundPassage]:
    """The passages that speak of a question, best first; none when no lesson covers it.

    Each of the question's words weighs ln(1 + N / (0.5 + n)), where n of all N passages have it: a word that
    every lesson uses says little, one that no lesson knows says much. A passage is found when the words that it
    has weigh enough against all of them. To these is added the one of its phrases that says most of the question, by
    how much of that phrase is asked: many phrases are many ways to a passage, and add no more than one. Slang is read
    in plain words, and a word that no lesson uses as the one most like it.

    In English a passage is also found when one of its phrases means what is asked (the cosine of their directions,
    see `meaning`), in whatever words. What is found is ordered by both, its share and its nearness.

    What nothing speaks of in `language` (the page's, without one) is looked for in the first one and then in the
    others whose lessons know a word of it, as families ask in all of them; what is found there is in `language` where
    it has been translated.
    """
    language = language or get_page_language()
    for searched in dict.fromkeys([language, settings.LANGUAGE_CODE, *dict(settings.LANGUAGES)]):
        if searched != language and not _has_known_word(searched, question):
            continue
        ranked = rank_passages(question, most=most, language=searched)
        if ranked.ids:
            by_id = Passage.objects.select_related("lesson").in_bulk(ranked.ids)
            found = [build_found_passage(by_id[pk]) for pk in ranked.ids]
            return found if searched == language else _build_found_passages(found, language)
    return []


def _has_known_word(language: str, question: str) -> bool:
    """Whether lessons in a language use any word of a question, which is asked before the whole search is made."""
    words = get_wording(language).words_of(question.replace("\0", " "))
    return Term.objects.filter(language=language, word__in=words).exists()


def _build_found_passages(found: Sequence[FoundPassage], language: str) -> list[FoundPassage]:
    return list(get_passages((passage.key for passage in found), language=language).values())


def get_passages(keys: Iterable[str], *, language: str | None = None) -> dict[str, FoundPassage]:
    """The passages with these keys, by key and in their order. One that was taken out of its lesson is left out.

    Each is in `language`, or the page's, or in the first one until it is written in that.
    """
    wanted: Sequence[str] = list(dict.fromkeys(keys))
    if not wanted:
        return {}
    passages = select_language(
        Passage.objects.all(), name="key", language=language or get_page_language()
    ).filter(key__in=wanted)
    by_key = {passage.key: build_found_passage(passage) for passage in passages.select_related("lesson")}
    return {key: by_key[key] for key in wanted if key in by_key}


def build_found_passage(passage: Passage) -> FoundPassage:
    return FoundPassage(
        key=passage.key,
        title=passage.title,
        lesson=passage.lesson.title,
        text=passage.text,
        language=passage.language,
    )
