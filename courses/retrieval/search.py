"""Search for the passages that answer a question, by words and by embeddings."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.urls import reverse

from courses.models import LessonWord, Passage
from courses.retrieval.index import COMMON_WORD_WEIGHT, EMBEDDED_LANGUAGES, get_search_config
from courses.retrieval.wording import get_wording
from encoders import compute_similarity, embed
from kit.languages import get_page_language, select_language
from kit.sql import read_sql

# The least share of a question's weight that a passage must have (see find_passages).
MIN_SHARE = 0.42
# Lower for questions about AI, which lessons probably cover.
MIN_SHARE_ON_SUBJECT = 0.3
# A word in the text counts less than one in the heading or in `asked`, which say what a passage is about.
TEXT_WEIGHT = 0.5
# How many words of a phrase the question must have; a common word counts half. One, such as "tonight", is too few.
MIN_PHRASE_WORDS = 1.5
# The least cosine similarity between a question and a phrase.
MIN_SIMILARITY = 0.6
# The least trigram similarity for correcting a misspelled word, and the weight of a corrected word.
MIN_SPELLING_SIMILARITY = 0.5
CORRECTED_WORD_WEIGHT = 0.6

FIND_PASSAGES = read_sql(__file__, "find_passages")
READ_EMBEDDINGS = read_sql(__file__, "read_embeddings")


@dataclass(frozen=True)
class FoundPassage:
    """A passage that can be cited. `key` identifies it permanently; `url` leads to it on this site."""

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
    """Passage ids, best first, and a text search query of the words that ranked them."""

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
    """Return at most `most` passages for a question, ranked as find_passages describes.

    A passage is found if it has at least `min_share` of the question's weight, or a phrase with at least
    `min_similarity`. A `min_share` of None means the threshold for citations.
    """
    wording = get_wording(language)
    words = wording.simplify_words(question.replace("\0", " "))
    if min_share is None:
        min_share = MIN_SHARE_ON_SUBJECT if wording.is_on_subject(words) else MIN_SHARE
    similarities = _measure_similarity(" ".join(words), language)
    parameters: dict[str, Any] = {
        "words": words,
        "near": list(similarities),
        "nearness": list(similarities.values()),
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
        cursor.execute(FIND_PASSAGES, parameters)
        rows = cursor.fetchall()
    return RankedPassages([row[0] for row in rows], rows[0][1] if rows else "")


def _measure_similarity(asked: str, language: str) -> dict[int, float]:
    """Return each passage's highest cosine similarity to the question, over its search texts and phrases."""
    if language not in EMBEDDED_LANGUAGES or not (embedding := embed(asked)):
        return {}
    with connection.cursor() as cursor:
        cursor.execute(READ_EMBEDDINGS, {"language": language})
        passages, embeddings = cursor.fetchone()
    if not passages:
        return {}
    nearest: defaultdict[int, float] = defaultdict(float)
    for passage, similarity in zip(passages, compute_similarity(embedding, embeddings).tolist(), strict=True):
        nearest[passage] = max(nearest[passage], similarity)
    return nearest


def find_passages(question: str, *, most: int = 2, language: str | None = None) -> list[FoundPassage]:
    """Return the passages for a question, best first, or an empty list if no lesson covers it.

    Each word of the question weighs ln(1 + N / (0.5 + n)), where n of all N passages have it, so a rare word weighs
    more than a common one. A passage is found if its words have enough of the question's total weight. The
    passage's best phrase adds the weight it shares with the question, scaled by how much of the phrase was asked;
    only one phrase counts. Slang is replaced with plain words, and a word that no lesson uses with the most similar
    one.

    In English, a passage is also found if one of its phrases has an embedding similar to the question's. Results
    are ordered by the sum of share and similarity.

    If nothing is found in `language` (default: the page's), the default language is searched, then all others whose
    lessons use a word of the question. Results are returned in `language` where they are translated.
    """
    language = language or get_page_language()
    for searched in dict.fromkeys([language, settings.LANGUAGE_CODE, *dict(settings.LANGUAGES)]):
        if searched != language and not _has_known_word(searched, question):
            continue
        ranked = rank_passages(question, most=most, language=searched)
        if ranked.ids:
            by_id = Passage.objects.select_related("lesson").in_bulk(ranked.ids)
            passages = [build_found_passage(by_id[pk]) for pk in ranked.ids]
            return passages if searched == language else _build_found_passages(passages, language)
    return []


def _has_known_word(language: str, question: str) -> bool:
    """Whether lessons in a language use any word of the question. Cheaper than a full search."""
    words = get_wording(language).simplify_words(question.replace("\0", " "))
    return LessonWord.objects.filter(language=language, word__in=words).exists()


def _build_found_passages(passages: Sequence[FoundPassage], language: str) -> list[FoundPassage]:
    return list(get_passages((passage.key for passage in passages), language=language).values())


def get_passages(keys: Iterable[str], *, language: str | None = None) -> dict[str, FoundPassage]:
    """Return the passages with these keys, by key and in their order. Removed passages are left out.

    Each is in `language` (default: the page's), or in the default language if not translated yet.
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
