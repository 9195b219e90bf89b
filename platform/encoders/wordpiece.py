"""The WordPiece tokenizer (Wu et al., 2016) as BERT uses it, with offsets into the text."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from kit.folding import fold

MAX_PIECES = 94
"""The length of a run without its two special tokens: about 64 words."""
MAX_CONTEXT_PIECES = 60
"""How many pieces of earlier texts stand before a text."""
_MIN_CONTEXT_PIECES = 5

_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
_MAX_PIECE_LENGTH = 40


class TokenRun(NamedTuple):
    """Ids of one run, including [CLS] and [SEP], and the offset where it ends in the text.

    The ids before `begin` are those of earlier texts.
    """

    token_ids: tuple[int, ...]
    end: int
    begin: int = 0


class WordPiece:
    """Splits words greedily into the longest pieces of the vocabulary. Pieces within a word begin with ##."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._ids = {piece: token_id for token_id, piece in enumerate(vocabulary)}
        self._cls, self._sep = self._ids["[CLS]"], self._ids["[SEP]"]
        self._unknown = self._ids["[UNK]"]
        self._split = lru_cache(maxsize=16384)(self._split_word)

    def tokenize(self, text: str) -> TokenRun | None:
        """Return the first run; None if the text has no words."""
        return next(self.tokenize_all(text), None)

    def tokenize_after(self, earlier: Sequence[str], text: str) -> TokenRun | None:
        """Return a text's first run with as much of the earlier texts before it as fits, the latest first.

        Earlier texts stand between [CLS] and [SEP]; the text begins with a [CLS] of its own.
        """
        run = self.tokenize(text)
        if run is None:
            return None
        room = min(MAX_CONTEXT_PIECES, MAX_PIECES + 2 - len(run.token_ids)) - 1
        context = tuple[int, ...]()
        for before in reversed(earlier):
            pieces = earlier_run.token_ids[1:] if (earlier_run := self.tokenize(before)) else ()
            left = room - len(context)
            if len(pieces) > left:
                context = pieces[-left:] + context if left >= _MIN_CONTEXT_PIECES else context
                break
            context = pieces + context
        if not context:
            return run
        return TokenRun((self._cls, *context, *run.token_ids), run.end, 1 + len(context))

    def tokenize_all(self, text: str) -> Iterator[TokenRun]:
        """Yield all of the text in runs. Of a word with more than MAX_PIECES pieces, the rest is dropped."""
        folded = fold(text)
        token_ids, end = list[int](), 0
        for match in _WORD.finditer(folded.text):
            pieces = self._split(match[0])[:MAX_PIECES]
            if len(token_ids) + len(pieces) > MAX_PIECES:
                yield self._build_run(token_ids, end)
                token_ids = []
            token_ids += pieces
            end = folded.offsets[match.end()]
        if token_ids:
            yield self._build_run(token_ids, end)

    def _build_run(self, token_ids: Sequence[int], end: int) -> TokenRun:
        return TokenRun((self._cls, *token_ids, self._sep), end)

    def _split_word(self, word: str) -> tuple[int, ...]:
        pieces, start = list[int](), 0
        while start < len(word):
            end = min(len(word), start + _MAX_PIECE_LENGTH)
            while end > start and self._get_piece(word, start, end) not in self._ids:
                end -= 1
            if end == start:
                return (self._unknown,)
            pieces.append(self._ids[self._get_piece(word, start, end)])
            start = end
        return tuple(pieces)

    @staticmethod
    def _get_piece(word: str, start: int, end: int) -> str:
        return word[start:end] if start == 0 else f"##{word[start:end]}"
