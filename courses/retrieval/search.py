"""Finds the passages of lessons that speak of what somebody asks, by their words and by what they mean."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.urls import reverse

from courses.models import Passage, Term
from courses.retrieval.index import ORDINARY, UNDERSTOOD, config_of
from courses.retrieval.wording import wording_of
from encoders import nearness, sense_of
from kit.languages import page_language, read_in
from kit.sql import read_sql

# A passage speaks of a question when it has at least this share of what is particular in it (see passages_find).
LEAST_SHARE = 0.42
# A question about AI is likely to be covered, so less is asked of it.
LEAST_SHARE_ON_SUBJECT = 0.3
# A word in a heading or among `asked` says what a passage is about; one in its text may be there in passing.
IN_TEXT = 0.5
# So many words of a phrase must be asked, as "tonight" alone is in many; an ordinary one counts half.
LEAST_WORDS = 1.5
# A passage also speaks of a question when one of its phrases means what is asked: the cosine between the two.
LEAST_NEARNESS = 0.6
# How alike, by trigrams, a word must be to one that lessons use to pass for a slip of it, and what it then is worth.
LIKENESS = 0.5
LIKELY = 0.6

FIND_PASSAGES = read_sql(__file__, "find_passages")
READ_SENSES = read_sql(__file__, "read_senses")


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


@dataclass(frozen=True)
class Ranked:
    """Passages by id, best first, and a text search query of the words that told them apart."""

    ids: list[int]
    telling: str


def passages_rank(
    question: str,
    *,
    most: int,
    language: str,
    least_share: float | None = None,
    least_nearness: float = LEAST_NEARNESS,
) -> Ranked:
    """The passages that speak of a question, as passages_find weighs them.

    `least_share` is how much of the question a passage has to have; None is as much as it takes to be cited. Or it has
    a phrase that comes at least as near to the question as `least_nearness`.
    """
    wording = wording_of(language)
    words = wording.words_of(question.replace("\0", " "))
    if least_share is None:
        least_share = LEAST_SHARE_ON_SUBJECT if wording.is_on_subject(words) else LEAST_SHARE
    near = _nearness(" ".join(words), language)
    given: dict[str, Any] = {
        "words": words,
        "near": list(near),
        "nearness": list(near.values()),
        "least_nearness": least_nearness,
        "ordinary_words": wording.ordinary,
        "language": language,
        "config": config_of(language),
        "in_text": IN_TEXT,
        "ordinary": ORDINARY,
        "least_words": LEAST_WORDS,
        "likeness": LIKENESS,
        "likely": LIKELY,
        "least_share": least_share,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(FIND_PASSAGES, given)
        rows = cursor.fetchall()
    return Ranked([row[0] for row in rows], rows[0][1] if rows else "")


def _nearness(asked: str, language: str) -> dict[int, float]:
    """How near in meaning each passage of a language comes to what is asked, by what it is asked for under."""
    if language not in UNDERSTOOD or not (sense := sense_of(asked)):
        return {}
    with connection.cursor() as cursor:
        cursor.execute(READ_SENSES, {"language": language})
        passages, senses = cursor.fetchone()
    if not passages:
        return {}
    nearest: defaultdict[int, float] = defaultdict(float)
    for passage, near in zip(passages, nearness(sense, senses).tolist(), strict=True):
        nearest[passage] = max(nearest[passage], near)
    return nearest


def passages_find(question: str, *, most: int = 2, language: str | None = None) -> list[Found]:
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
    language = language or page_language()
    for searched in dict.fromkeys([language, settings.LANGUAGE_CODE, *dict(settings.LANGUAGES)]):
        if searched != language and not _may_be_written_in(searched, question):
            continue
        ranked = passages_rank(question, most=most, language=searched)
        if ranked.ids:
            by_id = Passage.objects.select_related("lesson").in_bulk(ranked.ids)
            found = [passage_found(by_id[pk]) for pk in ranked.ids]
            return found if searched == language else _read(found, language)
    return []


def _may_be_written_in(language: str, question: str) -> bool:
    """Whether lessons in a language use any word of a question, which is asked before the whole search is made."""
    words = wording_of(language).words_of(question.replace("\0", " "))
    return Term.objects.filter(language=language, word__in=words).exists()


def _read(found: Sequence[Found], language: str) -> list[Found]:
    return list(passages_of((passage.key for passage in found), language=language).values())


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
    by_key = {passage.key: passage_found(passage) for passage in passages.select_related("lesson")}
    return {key: by_key[key] for key in wanted if key in by_key}


def passage_found(passage: Passage) -> Found:
    return Found(
        key=passage.key,
        title=passage.title,
        lesson=passage.lesson.title,
        text=passage.text,
        language=passage.language,
    )
