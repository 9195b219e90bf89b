"""Matches a rule book against an answer that comes in pieces."""

from copy import copy

from guard.judge import NOTHING_FOUND, build_verdict
from guard.markup import MarkupStripper, may_have_markup
from guard.rules import RuleBook
from guard.scan import RuleScanner
from guard.verdict import Verdict, merge_verdicts
from guard.vocabulary import MAX_WORD_LENGTH
from guard.words import Word, WordReader
from kit.folding import FoldedText


class AnswerScanner:
    """Matches one rule book against an answer as written or, with `markup`, as rendered.

    The result does not depend on how the answer is cut into pieces. Words that no match can contain are dropped.
    """

    def __init__(
        self, book: RuleBook, *, markup: MarkupStripper | None = None, longest: int = MAX_WORD_LENGTH
    ) -> None:
        self._book = book
        self._markup = markup
        self._reader = WordReader(book.vocabulary, longest=longest)
        self._scan = RuleScanner(book.automaton)
        self._words: list[Word] = []
        self._first_word = 0

    @property
    def position(self) -> int:
        """The offset of the first letter that could still be part of a match."""
        held = self._scan.words_held
        return min(self._words[-held].start, self._reader.position) if held else self._reader.position

    def fork(self) -> "AnswerScanner":
        """Return a scanner that has read the same text as written, and reads what follows as rendered."""
        other = AnswerScanner(self._book, markup=MarkupStripper())
        other._continue_from(self)
        return other

    def _continue_from(self, other: "AnswerScanner") -> None:
        self._reader, self._scan = copy(other._reader), other._scan.fork()  # noqa: SLF001 - of the same class
        self._words, self._first_word = other._words.copy(), other._first_word  # noqa: SLF001 - of the same class

    def is_like(self, other: "AnswerScanner") -> bool:
        """Return whether both find the same in text without markup that follows. May miss it."""
        return (
            (self._markup is None or self._markup.is_settled)
            and self._scan.is_like(other._scan)  # noqa: SLF001 - of the same class
            and self._reader.is_like(other._reader)  # noqa: SLF001 - of the same class
            and self._words == other._words  # noqa: SLF001 - of the same class
        )

    def read(self, piece: FoldedText, *, is_last: bool = False) -> Verdict:
        """Return the verdict that is certain with the next piece, or with the last one with the last one."""
        if self._markup:
            piece = self._markup.feed(piece, is_last=is_last)
        matches = []
        for word in self._reader.feed(piece, is_last=is_last):
            self._words.append(word)
            matches += self._scan.read(word)
        if is_last:
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


class PairedScanner:
    """Matches one rule book against an answer both as written and as rendered.

    Most text is the same in both, and is read only once.
    """

    def __init__(self, book: RuleBook, *, longest: int = MAX_WORD_LENGTH) -> None:
        self._written = AnswerScanner(book, longest=longest)
        # None: it would be like the other one.
        self._rendered: AnswerScanner | None = None

    @property
    def position(self) -> int:
        """The offset of the first letter that could still be part of a match."""
        position = self._written.position
        return position if self._rendered is None else min(position, self._rendered.position)

    def read(self, piece: FoldedText, *, is_last: bool = False) -> Verdict:
        """Return the verdict that is certain with the next piece, or with the last one with the last one."""
        if self._rendered is None and may_have_markup(piece.text):
            self._rendered = self._written.fork()
        verdict = self._written.read(piece, is_last=is_last)
        if self._rendered is None:
            return verdict
        verdict = merge_verdicts(verdict, self._rendered.read(piece, is_last=is_last))
        if self._rendered.is_like(self._written):
            self._rendered = None
        return verdict
