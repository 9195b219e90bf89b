"""Search for the passages that answer a question, by words and by embeddings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse

from courses.models import Passage
from courses.retrieval.current_index import get_index
from courses.retrieval.index import EMBEDDED_LANGUAGES
from courses.retrieval.wording import get_wording
from courses.selectors import find_current_path
from encoders import embed
from kit.languages import get_page_language, select_language

if TYPE_CHECKING:
    from courses.retrieval.passage_index import RankedPassages

# The least share of a question's weight that a passage must have (see find_passages).
MIN_SHARE = 0.42
# Lower for questions about AI, which lessons probably cover.
MIN_SHARE_ON_SUBJECT = 0.3
# The least cosine similarity between a question and a phrase.
MIN_SIMILARITY = 0.6


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


def rank_passages(
    question: str,
    *,
    most: int,
    language: str,
    min_share: float | None = None,
    min_similarity: float = MIN_SIMILARITY,
) -> "RankedPassages":
    """Return at most `most` passages for a question, ranked as find_passages describes.

    A passage is found if it has at least `min_share` of the question's weight, or a phrase with at least
    `min_similarity`. A `min_share` of None means the threshold for citations.
    """
    wording = get_wording(language)
    words = _simplify_words(question, language)
    if min_share is None:
        min_share = MIN_SHARE_ON_SUBJECT if wording.is_on_subject(words) else MIN_SHARE
    embedding = embed(" ".join(words)) if language in EMBEDDED_LANGUAGES else b""
    return get_index(language).rank(
        words, embedding, most=most, min_share=min_share, min_similarity=min_similarity
    )


def _simplify_words(question: str, language: str) -> list[str]:
    return get_wording(language).simplify_words(question.replace("\0", " "))


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
        if passages := get_passages(ranked.keys, language=language):
            return list(passages.values())
    return []


def _has_known_word(language: str, question: str) -> bool:
    """Return whether lessons in a language use any word of the question. Cheaper than a full search."""
    return get_index(language).has_any_word(_simplify_words(question, language))


def get_passages(keys: Iterable[str], *, language: str | None = None) -> dict[str, FoundPassage]:
    """Return the passages with these keys, by key and in their order. Removed passages are left out.

    A key of a lesson that was renamed finds it under its new slug. Each passage is in `language` (default: the page's),
    or in the default language if not translated yet.
    """
    wanted: Sequence[str] = list(dict.fromkeys(keys))
    if not wanted:
        return {}
    by_key = _read_passages(wanted, language or get_page_language())
    if missing := {key: _find_current_key(key) for key in wanted if key not in by_key}:
        current_keys = [key for key in missing.values() if key not in missing]
        renamed = _read_passages(current_keys, language or get_page_language()) if current_keys else {}
        by_key |= {key: renamed[current] for key, current in missing.items() if current in renamed}
    return {key: by_key[key] for key in wanted if key in by_key}


def list_lesson_passages(module: str, lesson: str) -> list[FoundPassage]:
    """Return the passages of a lesson, in its order; empty if there is no such lesson. Languages: see get_passages."""
    passages = select_language(Passage.objects.all(), name="key")
    in_lesson = passages.filter(lesson__module__slug=module, lesson__slug=lesson).order_by("pk")
    return [build_found_passage(passage) for passage in in_lesson.select_related("lesson")]


def _read_passages(keys: Sequence[str], language: str) -> dict[str, FoundPassage]:
    passages = select_language(Passage.objects.all(), name="key", language=language).filter(key__in=keys)
    return {passage.key: build_found_passage(passage) for passage in passages.select_related("lesson")}


def _find_current_key(key: str) -> str:
    path, mark, anchor = key.partition("#")
    return f"{find_current_path(path)}{mark}{anchor}"


def build_found_passage(passage: Passage) -> FoundPassage:
    return FoundPassage(
        key=passage.key,
        title=passage.title,
        lesson=passage.lesson.title,
        text=passage.text,
        language=passage.language,
    )
