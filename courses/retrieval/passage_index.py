"""The passages of one language in memory: which words each has, its phrases and their embeddings, and the ranking.

courses.retrieval.search.find_passages explains the weights.
"""

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

# A word in the text counts less than one in the heading or in `asked`, which say what a passage is about.
TEXT_WEIGHT = 0.5
# How many words of a phrase the question must have; a common word counts half. One, such as "tonight", is too few.
MIN_PHRASE_WORDS = 1.5
# The least trigram similarity for correcting a misspelled word, its least length, and the weight of a corrected word.
MIN_SPELLING_SIMILARITY = 0.5
MIN_CORRECTED_LENGTH = 4
CORRECTED_WORD_WEIGHT = 0.6
# Sums are compared after rounding, so that equal ones tie whatever their order of addition.
DECIMALS = 9

READ_PASSAGE_WORDS = read_sql(__file__, "read_passage_words")
READ_PHRASE_WORDS = read_sql(__file__, "read_phrase_words")

type Places = NDArray[np.int64]
type Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class RankedPassages:
    """Passage keys, best first, and a text search query of the words that ranked them."""

    keys: list[str]
    telling: str


class WordPlaces(NamedTuple):
    """The passages and phrases that have a lexeme. Passages and phrases are numbered in the order of their ids.

    `worths` is what it counts in each of the passages, `in_text` is 1 where their text has it, and `is_new` 1 for
    each phrase whose passage does not have it in the heading.
    """

    passages: Places
    worths: Numbers
    in_text: Numbers
    phrases: Places
    is_new: Numbers


class WeighedWord(NamedTuple):
    """A lexeme of a question, how sure it is that it was meant, and its weight."""

    lexeme: str
    surely: float
    is_common: bool
    weight: float


class _Scores(NamedTuple):
    """Of each passage: its share of the question's weight (-1 if it has none of its words), and the text's part."""

    shares: Numbers
    said: Numbers


# No use to compare two indexes, and expensive.
@dataclass(frozen=True, eq=False)
class PassageIndex:
    """Everything that search knows about the passages of a language. Immutable, so threads share it.

    `version` is the library's when it was read. `counts` says how many passages have a lexeme; `lexemes` has the
    lexeme of each lesson word, and `spellings` the words that can replace a misspelled one, with their lexemes.
    """

    language: str
    version: UUID | None
    keys: list[str]
    counts: dict[str, int]
    common: frozenset[str]
    lexemes: dict[str, str]
    words: frozenset[str]
    spelling: Spelling
    spellings: list[str]
    places: dict[str, WordPlaces]
    phrase_passages: Places
    phrase_weights: Numbers
    embeddings: EmbeddingTable
    embedded: Places

    def has_any_word(self, words: Iterable[str]) -> bool:
        """Whether lessons use one of these words, as it is written."""
        return not self.words.isdisjoint(words)

    def rank(
        self, words: Iterable[str], embedding: bytes, *, most: int, min_share: float, min_similarity: float
    ) -> RankedPassages:
        """Return at most `most` passages for a question's words and embedding, which is empty if it has none."""
        if not self.keys:
            return RankedPassages([], "")
        weighed = self._weigh_words(words)
        shares, said = self._compute_shares(weighed)
        nearness = self._compute_nearness(embedding)
        scores = (np.maximum(shares, 0) + nearness).round(DECIMALS).tolist()
        found = np.flatnonzero((shares >= min_share) | (nearness >= min_similarity)).tolist()
        best = sorted(found, key=lambda place: (-scores[place], -said[place], place))[:most]
        return RankedPassages([self.keys[place] for place in best], _write_query(weighed) if best else "")

    def _weigh_words(self, words: Iterable[str]) -> list[WeighedWord]:
        sureness: dict[str, float] = {}
        for word in words:
            for lexeme in list_lexemes(word, self.language, self.lexemes):
                known, surely = (lexeme, 1.0) if lexeme in self.counts else self._correct(word, lexeme)
                sureness[known] = min(surely, sureness.get(known, surely))
        return [
            WeighedWord(lexeme, surely, lexeme in self.common, self._weigh(lexeme))
            for lexeme, surely in sureness.items()
        ]

    def _correct(self, word: str, lexeme: str) -> tuple[str, float]:
        """Return the lexeme of the most similar lesson word, or else the unknown word's own."""
        if len(word) >= MIN_CORRECTED_LENGTH:
            place = self.spelling.find_most_similar(word, min_similarity=MIN_SPELLING_SIMILARITY)
            if place is not None:
                lexeme = self.spellings[place]
        return lexeme, CORRECTED_WORD_WEIGHT

    def _weigh(self, lexeme: str) -> float:
        weight = log(1 + len(self.keys) / (0.5 + self.counts.get(lexeme, 0)))
        return weight * COMMON_WORD_WEIGHT if lexeme in self.common else weight

    def _compute_shares(self, weighed: Sequence[WeighedWord]) -> _Scores:
        found = [(word, self.places[word.lexeme]) for word in weighed if word.lexeme in self.places]
        if not found:
            return _Scores(np.full(len(self.keys), -1.0), np.full(len(self.keys), -1.0))
        passages = np.concatenate([places.passages for _, places in found])
        worths = np.concatenate([places.worths * (word.weight * word.surely) for word, places in found])
        in_text = np.concatenate([places.in_text * word.weight for word, places in found])
        count = len(self.keys)
        sums = np.bincount(passages, worths, count) + self._compute_phrase_weights(found)
        has_word = np.bincount(passages, minlength=count) > 0
        shares = (sums / sum(word.weight for word in weighed)).round(DECIMALS)
        said = np.bincount(passages, in_text, count).round(DECIMALS)
        return _Scores(np.where(has_word, shares, -1.0), np.where(has_word, said, -1.0))

    def _compute_phrase_weights(self, found: Sequence[tuple[WeighedWord, WordPlaces]]) -> Numbers:
        """Return what each passage's best phrase adds to its own words."""
        phrases = np.concatenate([places.phrases for _, places in found])
        sizes = [len(places.phrases) for _, places in found]
        weights = np.repeat([word.weight for word, _ in found], sizes)
        counted = np.repeat([(0.5 if word.is_common else 1.0) * word.surely for word, _ in found], sizes)
        new = np.concatenate([places.is_new * (word.weight * word.surely) for word, places in found])
        count = len(self.phrase_weights)
        words = np.bincount(phrases, counted, count).round(DECIMALS)
        (enough,) = np.nonzero(words >= MIN_PHRASE_WORDS)
        covered = np.bincount(phrases, weights, count)[enough] / self.phrase_weights[enough]
        more = np.bincount(phrases, new, count)[enough] * np.sqrt(np.minimum(1.0, covered))
        best = np.zeros(len(self.keys))
        np.maximum.at(best, self.phrase_passages[enough], more)
        return best

    def _compute_nearness(self, embedding: bytes) -> Numbers:
        """Return each passage's highest similarity to the question, over its search texts and phrases; 0 if none."""
        nearest = np.zeros(len(self.keys))
        if embedding and len(self.embedded):
            # `maximum.at` is twenty times as slow for numbers of another type.
            similarities = self.embeddings.compute_similarities(embedding).astype(np.float64)
            np.maximum.at(nearest, self.embedded, similarities)
        return nearest


def _write_query(weighed: Sequence[WeighedWord]) -> str:
    """Write a tsquery of the telling words; of all, if all are common."""
    telling = [word for word in weighed if not word.is_common] or weighed
    return " | ".join("'" + word.lexeme.replace("\\", r"\\").replace("'", "''") + "'" for word in telling)


def read_index(language: str, version: UUID | None) -> PassageIndex:
    """Build the index of a language from the database.

    Rows may be replaced while they are read: words and phrases of passages that are unknown by then are left out.
    """
    passages = list(
        Passage.objects.filter(language=language).order_by("pk").values_list("pk", "key", "embedding")
    )
    place_of = {pk: place for place, (pk, _, _) in enumerate(passages)}
    phrases = [
        (pk, place_of[passage], weight, embedding)
        for pk, passage, weight, embedding in Phrase.objects.filter(passage__language=language)
        .order_by("pk")
        .values_list("pk", "passage_id", "weight", "embedding")
        if passage in place_of
    ]
    phrase_passages = np.array([place for _, place, _, _ in phrases], np.int64)
    words = list(
        LessonWord.objects.filter(language=language)
        .order_by("word", "lexeme")
        .values_list("word", "lexeme", "passages")
    )
    embedded = [(place, embedding) for place, (_, _, embedding) in enumerate(passages) if embedding]
    embedded += [(place, embedding) for _, place, _, embedding in phrases if embedding]
    return PassageIndex(
        language=language,
        version=version,
        keys=[key for _, key, _ in passages],
        counts={lexeme: count for _, lexeme, count in words},
        common=_read_common_lexemes(language),
        lexemes={word: lexeme for word, lexeme, _ in words if TOKEN.fullmatch(word)},
        words=frozenset(word for word, _, _ in words),
        spelling=Spelling([word for word, _, _ in words]),
        spellings=[lexeme for _, lexeme, _ in words],
        places=_read_places(
            language, place_of, {row[0]: place for place, row in enumerate(phrases)}, phrase_passages
        ),
        phrase_passages=phrase_passages,
        # A phrase without a known word has no weight, and is never looked at.
        phrase_weights=np.array([weight or 1.0 for _, _, weight, _ in phrases], np.float64),
        embeddings=EmbeddingTable(b"".join(embedding for _, embedding in embedded)),
        embedded=np.array([place for place, _ in embedded], np.int64),
    )


def _read_common_lexemes(language: str) -> frozenset[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tsvector_to_array(to_tsvector(%s::regconfig, %s))",
            [get_search_config(language), get_wording(language).ordinary],
        )
        return frozenset(cursor.fetchone()[0])


def _read_places(
    language: str, place_of: dict[int, int], phrase_place_of: dict[int, int], phrase_passages: Places
) -> dict[str, WordPlaces]:
    with connection.cursor() as cursor:
        cursor.execute(READ_PASSAGE_WORDS, {"language": language})
        in_passages = {lexeme: (ids, heading, text) for lexeme, ids, heading, text in cursor.fetchall()}
        cursor.execute(READ_PHRASE_WORDS, {"language": language})
        in_phrases: dict[str, list[int]] = dict(cursor.fetchall())
    all_places = {}
    for lexeme in in_passages.keys() | in_phrases.keys():
        rows = [
            (place_of[pk], in_heading, in_text)
            for pk, in_heading, in_text in zip(*in_passages.get(lexeme, ((), (), ())), strict=True)
            if pk in place_of
        ]
        headed = {place for place, in_heading, _ in rows if in_heading}
        phrases = [phrase_place_of[pk] for pk in in_phrases.get(lexeme, ()) if pk in phrase_place_of]
        all_places[lexeme] = WordPlaces(
            passages=np.array([place for place, _, _ in rows], np.int64),
            worths=np.array(
                [1.0 if in_heading else TEXT_WEIGHT * in_text for _, in_heading, in_text in rows], np.float64
            ),
            in_text=np.array([in_text for _, _, in_text in rows], np.float64),
            phrases=np.array(phrases, np.int64),
            is_new=np.array([phrase_passages[phrase] not in headed for phrase in phrases], np.float64),
        )
    return all_places
