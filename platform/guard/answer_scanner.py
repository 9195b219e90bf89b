"""Matches a rule book against an answer that comes in pieces."""

from guard.judge import NOTHING_FOUND, build_verdict
from guard.markup import Markup
from guard.rules import RuleBook
from guard.scan import RuleScanner
from guard.verdict import Verdict
from guard.vocabulary import MAX_WORD_LENGTH
from guard.words import Word, WordReader
from kit.folding import FoldedText


class AnswerScanner:
    """Matches one rule book against an answer as written or, with `markup`, as rendered.

    The result does not depend on how the answer is cut into pieces. Words that no match can contain are dropped.
    """

    def __init__(
        self, book: RuleBook, *, markup: Markup | None = None, longest: int = MAX_WORD_LENGTH
    ) -> None:
        self._book = book
        self._markup = markup
        self._reader = WordReader(book.vocabulary, longest=longest)
        self._scan = RuleScanner(book.automaton)
        self._words: list[Word] = []
        self._first_word = 0

    @property
    def place(self) -> int:
        """The offset of the first letter that could still be part of a match."""
        held = self._scan.words_held
        return min(self._words[-held].start, self._reader.place) if held else self._reader.place

    def read(self, piece: FoldedText, *, ended: bool = False) -> Verdict:
        """Return the verdict that is certain with the next piece, or with the last one once `ended`."""
        if self._markup:
            piece = self._markup.feed(piece, ended=ended)
        matches = []
        for word in self._reader.feed(piece, ended=ended):
            self._words.append(word)
            matches += self._scan.read(word)
        if ended:
            matches += self._scan.finish()
        if not matches:
            self._drop_words()
            return NOTHING_FOUND
        verdict = build_verdict(matches, self._words, self._book, first_word=self._first_word)
        self._drop_words()
        return verdict

    def _drop_words(self) -> None:
        dropped_count = len(self._words) - self._scan.words_held
        del self._words[:dropped_count]
        self._first_word += dropped_count
