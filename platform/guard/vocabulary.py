"""Maps letters to the words that rules know, in any spelling."""

import re
from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import le
from typing import NamedTuple

UNKNOWN, NUMBER = 0, 1
MAX_WORD_LENGTH = 80
"""A longer run of letters matches no rule."""

# 1 may be an l or an i: "ki11", "k1ll".
_LEET = [str.maketrans("013457@$!8", f"o{letter}east" + "asib") for letter in "il"]
_LEET_SIGN = re.compile(r"[\d@$!]")
_STRETCHED = re.compile(r"(.)\1\1")
_LETTER, _DIGIT = re.compile(r"[^\W\d]"), re.compile(r"\d")
_BETWEEN_LETTERS = re.compile(r"[^'!*]+")
_MIN_GLUED_LENGTH = 8
_MAX_REMEMBERED_WORDS = 8192


class VocabularyMatch(NamedTuple):
    """A word found in some letters: its symbol and its position in them."""

    symbol: int
    start: int
    end: int


def _squeeze(word: str) -> str:
    return "".join(letter for letter, _ in groupby(word))


def _count_runs(word: str) -> list[int]:
    return [len(list(run)) for _, run in groupby(word)]


def _get_shape(word: str) -> tuple[str, str, int]:
    """Return a word's first and last letters around stars, to match "su*cide"."""
    return word[0], word[-1], len(word)


class Vocabulary:
    """The words of a rule book. Each has a symbol; all others are UNKNOWN, or NUMBER.

    `spellings` names other ways to write a word.
    """

    def __init__(self, words: Iterable[str], spellings: Mapping[str, Iterable[str]]) -> None:
        self._known = {word: symbol for symbol, word in enumerate(sorted(set(words)), NUMBER + 1)}
        for word, others in spellings.items():
            for other in others:
                self._known.setdefault(other, self._known.get(word, UNKNOWN))
        self._longest = max(map(len, self._known), default=0)
        self._squeezed: dict[str, list[str]] = {}
        for word in sorted(self._known, key=len, reverse=True):
            self._squeezed.setdefault(_squeeze(word), []).append(word)
        self._by_shape: dict[tuple[str, str, int], list[str]] = {}
        for word in self._known:
            self._by_shape.setdefault(_get_shape(word), []).append(word)
        self._remembered: dict[str, list[VocabularyMatch]] = {}

    def symbol(self, word: str) -> int:
        """Return the symbol of a rule's word."""
        return NUMBER if word == "#" else self._known[word]

    def knows(self, word: str) -> bool:
        """Return whether a rule has the word in this spelling."""
        return word in self._known

    def read(self, letters: str) -> list[VocabularyMatch]:
        """Return the word in a run of letters, or several if they are written without spaces."""
        read = self._remembered.get(letters)
        if read is None:
            if len(self._remembered) >= _MAX_REMEMBERED_WORDS:
                self._remembered.clear()
            read = self._remembered[letters] = self._read_anew(letters)
        return read

    def split(self, letters: str) -> list[VocabularyMatch]:
        """Split greedily into the longest known words. A letter that begins no word is returned by itself."""
        parts, start = list[VocabularyMatch](), 0
        while start < len(letters):
            for end in range(min(len(letters), start + self._longest), start, -1):
                symbol = self._known.get(letters[start:end], UNKNOWN)
                if symbol or end == start + 1:
                    parts.append(VocabularyMatch(symbol, start, end))
                    start = end
                    break
        return parts

    def _read_anew(self, letters: str) -> list[VocabularyMatch]:
        whole = VocabularyMatch(UNKNOWN, 0, len(letters))
        if len(letters) > MAX_WORD_LENGTH:
            return [whole]
        if symbol := self._find_symbol(letters):
            return [whole._replace(symbol=symbol)]
        parts = [
            VocabularyMatch(self._find_symbol(part[0]), *part.span())
            for part in _BETWEEN_LETTERS.finditer(letters)
        ]
        if len(parts) > 1:
            return parts
        if len(letters) >= _MIN_GLUED_LENGTH:
            parts = self.split(letters)
            if all(part.symbol for part in parts):
                return parts
        return [whole]

    def _find_symbol(self, letters: str) -> int:
        """Return the symbol of one word: tried as written, stretched, with digits for letters, and with stars."""
        plain = letters.replace("'", "")
        if symbol := self._known.get(plain):
            return symbol
        if not _LETTER.search(plain):
            return NUMBER if _DIGIT.search(plain) else UNKNOWN
        if symbol := self._find_stretched(plain):
            return symbol
        if _LEET_SIGN.search(plain):
            for spelling in (plain.translate(table) for table in _LEET):
                if symbol := self._known.get(spelling) or self._find_stretched(spelling):
                    return symbol
        return self._find_masked(plain)

    def _find_stretched(self, word: str) -> int:
        """Try a stretched word with one or two of each repeated letter: "diiie" is "die".

        If several words fit, choose the longest that has no more letters than the text: "looos" is "los" and
        not "loss".
        """
        if not _STRETCHED.search(word):
            return UNKNOWN
        alike = self._squeezed.get(_squeeze(word), ())
        runs = _count_runs(word)
        fitting = (known for known in alike if all(map(le, _count_runs(known), runs)))
        return self._known.get(next(fitting, alike[0] if alike else ""), UNKNOWN)

    def _find_masked(self, word: str) -> int:
        if "*" in word:
            for known in self._by_shape.get(_get_shape(word), ()):
                if all(a in {b, "*"} for a, b in zip(word, known, strict=True)):
                    return self._known[known]
        return UNKNOWN
