"""Find the lesson word that a misspelled word is most similar to, by trigrams as PostgreSQL's pg_trgm counts them."""

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

# pg_trgm in the locale C, which the embedded database has: other letters separate words.
PART = re.compile(r"[a-z0-9]+")


class Spelling:
    """The words of all lessons of a language, in the order in which equally similar ones are preferred. Immutable."""

    def __init__(self, words: Sequence[str]) -> None:
        trigrams = [list_trigrams(word) for word in words]
        self._sizes: NDArray[np.int64] = np.array([len(of_word) for of_word in trigrams], np.int64)
        self._largest_size = int(self._sizes.max(initial=0))
        self._words_with = _invert(trigrams)

    def find_most_similar(self, word: str, *, min_similarity: float) -> int | None:
        """Return the position of the most similar word; None if none has at least `min_similarity`.

        The similarity of two words is the share of their different trigrams that both have.
        """
        trigrams = list_trigrams(word)
        if not trigrams or self._largest_size < min_similarity * len(trigrams):
            return None
        lists = [found for trigram in trigrams if (found := self._words_with.get(trigram)) is not None]
        if len(lists) < min_similarity * len(trigrams):
            return None
        shared = np.bincount(np.concatenate(lists), minlength=len(self._sizes))
        similarities = shared / (self._sizes + (len(trigrams) - shared))
        # Of equally similar words, argmax returns the first.
        best = int(similarities.argmax())
        return best if similarities[best] >= min_similarity else None


def list_trigrams(word: str) -> set[str]:
    """Return the sequences of three characters in a word with two spaces before it and one after it."""
    padded = [f"  {part} " for part in PART.findall(word)]
    return {part[position : position + 3] for part in padded for position in range(len(part) - 2)}


def _invert(trigrams: Iterable[Iterable[str]]) -> dict[str, NDArray[np.int32]]:
    positions: dict[str, list[int]] = {}
    for position, of_word in enumerate(trigrams):
        for trigram in of_word:
            positions.setdefault(trigram, []).append(position)
    return {trigram: np.array(found, np.int32) for trigram, found in positions.items()}
