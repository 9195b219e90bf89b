"""A stream of words that stops before it says what must not be said."""

from guard.judge import NOTHING_FOUND, OUTPUT_RULES, verdict_of
from guard.normalise import fold
from guard.scan import Match, Scan
from guard.verdict import Level, Verdict, worst
from guard.vocabulary import LONGEST_WORD
from guard.words import Word, WordReader

CUTS_AT = Level.STATED


class OutputGate:
    """Releases a model's answer as it comes, and never the beginning of what a rule then finds.

    Text is held back only while a rule could still match through it: from the first word of the earliest phrase
    that has begun and could be completed, or else from the last word, which may not be finished. So most words leave
    with the space that follows them, and still no phrase is released before it was judged whole, wherever the pieces
    are cut. This is exact: the gate finds what `judge_output` finds in the whole text.

    After a verdict at CUTS_AT or above nothing more is released. Uncut, the released pieces together are the text,
    character for character.

    `window` is how many characters of one unfinished word may be held back. The rules read words of up to
    LONGEST_WORD letters, so it may not be less; a longer run of letters is no word of any rule and is released as it
    comes. How many words can be held is bounded by the rules: see guard.rules.MOST_WORDS. The work of one `feed`
    does not grow with what has been released before.
    """

    def __init__(self, window: int = LONGEST_WORD) -> None:
        if window < LONGEST_WORD:
            raise ValueError(
                f"rules read words of up to {LONGEST_WORD} letters; a window of {window} would miss some"
            )
        self._book = OUTPUT_RULES
        self._reader = WordReader(self._book.vocabulary, longest=window)
        self._scan = Scan(self._book.automaton)
        self._words: list[Word] = []
        self._first_word = 0
        self._held = ""
        self._fed = 0
        self._released: list[str] = []
        self._verdict = NOTHING_FOUND

    @property
    def verdict(self) -> Verdict:
        """The most careful verdict so far. Its evidence counts characters from the answer's first."""
        return self._verdict

    @property
    def is_cut(self) -> bool:
        return self._verdict.level >= CUTS_AT

    @property
    def released(self) -> str:
        """Everything that was released so far."""
        return "".join(self._released)

    def feed(self, text: str) -> str:
        """Take the next piece of the answer; returns what may be shown now."""
        if self.is_cut:
            return ""
        piece = fold(text, offset=self._fed)
        self._held += text
        self._fed += len(text)
        self._read(self._reader.feed(piece))
        held = self._scan.words_held
        first_held = self._words[-held].start if held else self._reader.place
        return self._release(min(first_held, self._reader.place), held)

    def finish(self) -> str:
        """The answer has ended; returns what was held back, or "" when a rule found something in it."""
        if self.is_cut:
            return ""
        self._read(self._reader.feed(fold("", offset=self._fed), ended=True))
        self._judge(self._scan.finish())
        return self._release(self._fed, 0)

    def _read(self, words: list[Word]) -> None:
        for word in words:
            self._words.append(word)
            self._judge(self._scan.read(word))

    def _judge(self, matches: list[Match]) -> None:
        if matches:
            found = verdict_of(matches, self._words, self._book, first_word=self._first_word)
            self._verdict = worst(self._verdict, found)

    def _release(self, place: int, words_held: int) -> str:
        """Let go of the text before `place`, and of all words but the last `words_held`."""
        gone = len(self._words) - words_held
        del self._words[:gone]
        self._first_word += gone
        if self.is_cut:
            return ""
        released = self._held[: place - self._fed] if place < self._fed else self._held
        self._held = self._held[len(released) :]
        self._released.append(released)
        return released
