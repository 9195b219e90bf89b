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
    """Follows one book of rules through an answer, as it is written or, with `markup`, as it is laid out.

    It finds the same however the answer is cut. Words that no rule can reach any more are forgotten.
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
            self._forget()
            return NOTHING_FOUND
        found = build_verdict(matches, self._words, self._book, first_word=self._first_word)
        self._forget()
        return found

    def _forget(self) -> None:
        gone = len(self._words) - self._scan.words_held
        del self._words[:gone]
        self._first_word += gone
