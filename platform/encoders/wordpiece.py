"""Text as the numbered pieces of words that the encoder reads: WordPiece (Wu et al., 2016), as BERT writes it."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from kit.folding import fold

MAX_PIECES = 94
"""So many pieces are read at once, without the two marks around them: what stands in 64 words."""

_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
_LONGEST = 40


class Pieces(NamedTuple):
    """Pieces between the two marks, and where in the text they end."""

    numbers: tuple[int, ...]
    end: int


class WordPiece:
    """Splits by a vocabulary in which pieces that go on with a word begin with ##. The greediest split is taken."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._number = {piece: number for number, piece in enumerate(vocabulary)}
        self._begins, self._ends = self._number["[CLS]"], self._number["[SEP]"]
        self._unknown = self._number["[UNK]"]
        self._split = lru_cache(maxsize=16384)(self._pieces_of)

    def read(self, text: str) -> Pieces | None:
        """The text's first pieces; none where it has no words."""
        return next(self.runs(text), None)

    def runs(self, text: str) -> Iterator[Pieces]:
        """All of the text, in as many runs as it takes. Of a word of more than MOST pieces only these are read."""
        folded = fold(text)
        numbers, end = list[int](), 0
        for match in _WORD.finditer(folded.text):
            found = self._split(match[0])[:MAX_PIECES]
            if len(numbers) + len(found) > MAX_PIECES:
                yield self._marked(numbers, end)
                numbers = []
            numbers += found
            end = folded.at[match.end()]
        if numbers:
            yield self._marked(numbers, end)

    def _marked(self, numbers: Sequence[int], end: int) -> Pieces:
        return Pieces((self._begins, *numbers, self._ends), end)

    def _pieces_of(self, word: str) -> tuple[int, ...]:
        found, start = list[int](), 0
        while start < len(word):
            end = min(len(word), start + _LONGEST)
            while end > start and self._named(word, start, end) not in self._number:
                end -= 1
            if end == start:
                return (self._unknown,)
            found.append(self._number[self._named(word, start, end)])
            start = end
        return tuple(found)

    @staticmethod
    def _named(word: str, start: int, end: int) -> str:
        return word[start:end] if start == 0 else f"##{word[start:end]}"
