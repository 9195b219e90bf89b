"""The passages of one language in memory: which words each has, its phrases and their embeddings, and the ranking.

courses.retrieval.search.find_passages explains the weights.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log
from typing import NamedTuple
from uuid import UUID

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from courses.models import LessonWord, Passage, Phrase
from courses.retrieval.index import COMMON_WORD_WEIGHT, get_search_config
from courses.retrieval.spelling import Spelling
from courses.retrieval.stemming import TOKEN, list_lexemes
from courses.retrieval.wording import get_wording
from encoders import EmbeddingTable
from kit.sql import read_sql

# A word in the text counts less than one in the heading or in `extra_search_words`, which say what a passage is about.
TEXT_WEIGHT = 0.5
# How many words of a phrase the question must have; a common word counts half. One, such as "tonight", is too few.
MIN_PHRASE_WORDS = 1.5
# The least trigram similarity for correcting a misspelled word, its least length, and the weight of a corrected word.
MIN_SPELLING_SIMILARITY = 0.5
MIN_CORRECTED_LENGTH = 4
CORRECTED_WORD_WEIGHT = 0.6
# Sums are compared after rounding, so that equal ones tie whatever their order of addition.
DECIMALS = 9

ACCENT = re.compile("[\u0300-\u036f]")

READ_PASSAGE_WORDS = read_sql(__file__, "read_passage_words")
READ_PHRASE_WORDS = read_sql(__file__, "read_phrase_words")

type Indices = NDArray[np.int64]
type FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class RankedPassages:
    """Passage keys, best first, and the tsquery that marks the question's words in them."""

    keys: list[str]
    highlight_query: str


class Postings(NamedTuple):
    """Where a lexeme occurs. Passages and phrases are numbered in the order of their ids.

    For each of the `passages`, `field_weights` is 1 if the lexeme is in the heading or the extra search words, and
    TEXT_WEIGHT if it is only in the text; `in_text` is 1 if it is in the text. For each of the `phrases`,
    `adds_to_passage` is 0 if the phrase's own passage has the lexeme in its heading or extra search words, and 1
    otherwise.
    """

    passages: Indices
    field_weights: FloatArray
    in_text: FloatArray
    phrases: Indices
    adds_to_passage: FloatArray


class WeightedLexeme(NamedTuple):
    """A lexeme of a question.

    `weight` is its inverse document frequency, and `confidence` is 1, or less if the word was unknown and is corrected
    to this lexeme.
    """

    lexeme: str
    confidence: float
    is_common: bool
    weight: float


class _Scores(NamedTuple):
    """Scores of each passage; -1 if it has no word of the question.

    `shares` is how much of the question's weight it has, and decides. `text_weights` is the weight of the words in its
    text, and breaks ties.
    """

    shares: FloatArray
    text_weights: FloatArray


# No use to compare two indexes, and expensive.
@dataclass(frozen=True, eq=False)
class PassageIndex:
    """Everything that search knows about the passages of a language. Immutable, so threads share it.

    `version` is the library's when it was read. `keys` are the passages' keys, and `passage_counts` says how many
    passages have a lexeme. `lesson_words` are the words as lessons write them and without their accents. `lexeme_of`
    has the lexeme of each as written, and `lexeme_of_unaccented` of each without accents, for people who leave them
    out. `spelling` finds the lesson word most like a misspelled one, by its number, and `spelling_lexemes` has its
    lexeme.

    `phrase_passages` and `phrase_weights` have the passage and the weight of each phrase. `embedded_passages` has the
    passage that each of the `embeddings` belongs to.
    """

    language: str
    version: UUID | None
    keys: list[str]
    passage_counts: dict[str, int]
    common_lexemes: frozenset[str]
    lexeme_of: dict[str, str]
    lexeme_of_unaccented: dict[str, str]
    lesson_words: frozenset[str]
    spelling: Spelling
    spelling_lexemes: list[str]
    postings: dict[str, Postings]
    phrase_passages: Indices
    phrase_weights: FloatArray
    embeddings: EmbeddingTable
    embedded_passages: Indices

    def has_any_word(self, words: Iterable[str]) -> bool:
        """Return whether lessons use one of these words, with or without its accents."""
        return not self.lesson_words.isdisjoint(words)

    def rank(
        self, words: Iterable[str], embedding: bytes, *, most: int, min_share: float, min_similarity: float
    ) -> RankedPassages:
        """Return at most `most` passages for a question's words and embedding, which is empty if it has none."""
        if not self.keys:
            return RankedPassages([], "")
        lexemes = self._weigh_words(words)
        shares, text_weights = self._score_words(lexemes)
        similarities = self._compute_similarities(embedding)
        scores = (np.maximum(shares, 0) + similarities).round(DECIMALS).tolist()
        found = np.flatnonzero((shares >= min_share) | (similarities >= min_similarity)).tolist()
        best = sorted(found, key=lambda passage: (-scores[passage], -text_weights[passage], passage))[:most]
        return RankedPassages([self.keys[passage] for passage in best], _write_query(lexemes) if best else "")

    def _weigh_words(self, words: Iterable[str]) -> list[WeightedLexeme]:
        confidences: dict[str, float] = {}
        for word in words:
            for lexeme in list_lexemes(word, self.language, self.lexeme_of):
                known, confidence = (
                    (lexeme, 1.0) if lexeme in self.passage_counts else self._correct(word, lexeme)
                )
                confidences[known] = min(confidence, confidences.get(known, confidence))
        return [
            WeightedLexeme(lexeme, confidence, lexeme in self.common_lexemes, self._weigh(lexeme))
            for lexeme, confidence in confidences.items()
        ]

    def _correct(self, word: str, lexeme: str) -> tuple[str, float]:
        """Return the lexeme of the lesson word with other accents, or else of the most similar one, or else its own."""
        if unaccented := self.lexeme_of_unaccented.get(remove_accents(word)):
            return unaccented, 1.0
        if len(word) >= MIN_CORRECTED_LENGTH:
            similar = self.spelling.find_most_similar(word, min_similarity=MIN_SPELLING_SIMILARITY)
            if similar is not None:
                lexeme = self.spelling_lexemes[similar]
        return lexeme, CORRECTED_WORD_WEIGHT

    def _weigh(self, lexeme: str) -> float:
        weight = log(1 + len(self.keys) / (0.5 + self.passage_counts.get(lexeme, 0)))
        return weight * COMMON_WORD_WEIGHT if lexeme in self.common_lexemes else weight

    def _score_words(self, lexemes: Sequence[WeightedLexeme]) -> _Scores:
        """Score each passage by its own words and by those of its best phrase."""
        found = [
            (weighted, self.postings[weighted.lexeme])
            for weighted in lexemes
            if weighted.lexeme in self.postings
        ]
        count = len(self.keys)
        if not found:
            return _Scores(np.full(count, -1.0), np.full(count, -1.0))
        passages = np.concatenate([postings.passages for _, postings in found])
        weights = np.concatenate(
            [postings.field_weights * (weighted.weight * weighted.confidence) for weighted, postings in found]
        )
        in_text = np.concatenate([postings.in_text * weighted.weight for weighted, postings in found])
        sums = np.bincount(passages, weights, count) + self._score_phrases(found)
        has_word = np.bincount(passages, minlength=count) > 0
        shares = (sums / sum(weighted.weight for weighted in lexemes)).round(DECIMALS)
        text_weights = np.bincount(passages, in_text, count).round(DECIMALS)
        return _Scores(np.where(has_word, shares, -1.0), np.where(has_word, text_weights, -1.0))

    def _score_phrases(self, found: Sequence[tuple[WeightedLexeme, Postings]]) -> FloatArray:
        """Return the weight that each passage's best phrase adds to its own words."""
        phrases = np.concatenate([postings.phrases for _, postings in found])
        sizes = [len(postings.phrases) for _, postings in found]
        weights = np.repeat([weighted.weight for weighted, _ in found], sizes)
        # A common word counts half, and a corrected one less than a word that is known.
        word_counts = np.repeat(
            [(0.5 if weighted.is_common else 1.0) * weighted.confidence for weighted, _ in found], sizes
        )
        added_weights = np.concatenate(
            [
                postings.adds_to_passage * (weighted.weight * weighted.confidence)
                for weighted, postings in found
            ]
        )
        count = len(self.phrase_weights)
        words = np.bincount(phrases, word_counts, count).round(DECIMALS)
        (matching,) = np.nonzero(words >= MIN_PHRASE_WORDS)
        coverage = np.bincount(phrases, weights, count)[matching] / self.phrase_weights[matching]
        added = np.bincount(phrases, added_weights, count)[matching] * np.sqrt(np.minimum(1.0, coverage))
        best = np.zeros(len(self.keys))
        np.maximum.at(best, self.phrase_passages[matching], added)
        return best

    def _compute_similarities(self, embedding: bytes) -> FloatArray:
        """Return each passage's highest similarity to the question, over its search texts and phrases; 0 if none."""
        highest = np.zeros(len(self.keys))
        if embedding and len(self.embedded_passages):
            # `maximum.at` is twenty times as slow for numbers of another type.
            similarities = self.embeddings.compute_similarities(embedding).astype(np.float64)
            np.maximum.at(highest, self.embedded_passages, similarities)
        return highest


def _write_query(lexemes: Sequence[WeightedLexeme]) -> str:
    """Write a tsquery of the lexemes that are not common; of all, if all are common."""
    chosen = [weighted for weighted in lexemes if not weighted.is_common] or lexemes
    return " | ".join(
        "'" + weighted.lexeme.replace("\\", r"\\").replace("'", "''") + "'" for weighted in chosen
    )


def remove_accents(word: str) -> str:
    """Return a word without its accents: “depresion” for “depresión”, and “nino” for “niño”."""
    return ACCENT.sub("", unicodedata.normalize("NFD", word))


def read_index(language: str, version: UUID | None) -> PassageIndex:
    """Build the index of a language from the database.

    Rows may be replaced while they are read: words and phrases of passages that are unknown by then are left out.
    """
    passages = list(
        Passage.objects.filter(language=language).order_by("pk").values_list("pk", "key", "embedding")
    )
    passage_indices = {pk: index for index, (pk, _, _) in enumerate(passages)}
    phrases = [
        (pk, passage_indices[passage], weight, embedding)
        for pk, passage, weight, embedding in Phrase.objects.filter(passage__language=language)
        .order_by("pk")
        .values_list("pk", "passage_id", "weight", "embedding")
        if passage in passage_indices
    ]
    phrase_indices = {pk: index for index, (pk, _, _, _) in enumerate(phrases)}
    phrase_passages = np.array([passage for _, passage, _, _ in phrases], np.int64)
    words = list(
        LessonWord.objects.filter(language=language)
        .order_by("word", "lexeme")
        .values_list("word", "lexeme", "passages")
    )
    # Rarer words first, so that of two words that differ only in accents the more frequent one counts.
    by_frequency = sorted(words, key=lambda each: each[2])
    lexeme_of_unaccented = {remove_accents(word): lexeme for word, lexeme, _ in by_frequency}
    embedded = [(index, embedding) for index, (_, _, embedding) in enumerate(passages) if embedding]
    embedded += [(passage, embedding) for _, passage, _, embedding in phrases if embedding]
    return PassageIndex(
        language=language,
        version=version,
        keys=[key for _, key, _ in passages],
        passage_counts={lexeme: count for _, lexeme, count in words},
        common_lexemes=_read_common_lexemes(language),
        lexeme_of={word: lexeme for word, lexeme, _ in words if TOKEN.fullmatch(word)},
        lexeme_of_unaccented=lexeme_of_unaccented,
        lesson_words=frozenset(word for word, _, _ in words).union(lexeme_of_unaccented),
        spelling=Spelling([word for word, _, _ in words]),
        spelling_lexemes=[lexeme for _, lexeme, _ in words],
        postings=_read_postings(language, passage_indices, phrase_indices, phrase_passages),
        phrase_passages=phrase_passages,
        # A phrase without a known word has no weight, and is never looked at.
        phrase_weights=np.array([weight or 1.0 for _, _, weight, _ in phrases], np.float64),
        embeddings=EmbeddingTable(b"".join(embedding for _, embedding in embedded)),
        embedded_passages=np.array([passage for passage, _ in embedded], np.int64),
    )


def _read_common_lexemes(language: str) -> frozenset[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tsvector_to_array(to_tsvector(%s::regconfig, %s))",
            [get_search_config(language), get_wording(language).ordinary],
        )
        return frozenset(cursor.fetchone()[0])


def _read_postings(
    language: str, passage_indices: dict[int, int], phrase_indices: dict[int, int], phrase_passages: Indices
) -> dict[str, Postings]:
    with connection.cursor() as cursor:
        cursor.execute(READ_PASSAGE_WORDS, {"language": language})
        in_passages = {lexeme: (ids, heading, text) for lexeme, ids, heading, text in cursor.fetchall()}
        cursor.execute(READ_PHRASE_WORDS, {"language": language})
        in_phrases: dict[str, list[int]] = dict(cursor.fetchall())
    all_postings = {}
    for lexeme in in_passages.keys() | in_phrases.keys():
        rows = [
            (passage_indices[pk], in_heading, in_text)
            for pk, in_heading, in_text in zip(*in_passages.get(lexeme, ((), (), ())), strict=True)
            if pk in passage_indices
        ]
        in_headings = {passage for passage, in_heading, _ in rows if in_heading}
        phrases = [phrase_indices[pk] for pk in in_phrases.get(lexeme, ()) if pk in phrase_indices]
        all_postings[lexeme] = Postings(
            passages=np.array([passage for passage, _, _ in rows], np.int64),
            field_weights=np.array(
                [1.0 if in_heading else TEXT_WEIGHT * in_text for _, in_heading, in_text in rows], np.float64
            ),
            in_text=np.array([in_text for _, _, in_text in rows], np.float64),
            phrases=np.array(phrases, np.int64),
            adds_to_passage=np.array(
                [phrase_passages[phrase] not in in_headings for phrase in phrases], np.float64
            ),
        )
    return all_postings
