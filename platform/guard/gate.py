"""A stream of words that stops before it says what must not be said."""

from guard.judge import NOTHING_FOUND
from guard.output import create_scanners, should_cut
from guard.verdict import Verdict, merge_verdicts
from guard.vocabulary import MAX_WORD_LENGTH
from kit.folding import FoldedText, fold


class OutputGate:
    """Releases a model's answer as it comes, and never the beginning of what a rule then finds.

    Text is held back only while a rule could still match through it: from the first word of the earliest phrase
    that has begun and could be completed, or else from the last word or sign of markup, which may not be finished.
    So most words leave with the space that follows them, and still no phrase is released before it was judged whole,
    wherever the pieces are cut. This is exact: the gate finds what `judge_output` finds in the whole text.

    After a rule has found something nothing more is released. Uncut, the released pieces together are the text,
    character for character.

    `window` is how many characters of one unfinished word may be held back. The rules read words of up to
    LONGEST_WORD letters, so it may not be less; a longer run of letters is no word of any rule and is released as it
    comes. How many words can be held is bounded by the rules: see guard.rules.MOST_WORDS; and markup by what it may
    hold: see guard.markup. The work of one `feed` does not grow with what has been released before.
    """

    def __init__(self, window: int = MAX_WORD_LENGTH) -> None:
        if window < MAX_WORD_LENGTH:
            raise ValueError(
                f"rules read words of up to {MAX_WORD_LENGTH} letters; a window of {window} would miss some"
            )
        self._readings = create_scanners(longest=window)
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
        return should_cut(self._verdict)

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
        self._judge(piece)
        return self._release(min(reading.place for reading in self._readings))

    def finish(self) -> str:
        """The answer has ended; returns what was held back, or "" when a rule found something in it."""
        if self.is_cut:
            return ""
        self._judge(fold("", offset=self._fed), ended=True)
        return self._release(self._fed)

    def _judge(self, piece: FoldedText, *, ended: bool = False) -> None:
        found = (reading.read(piece, ended=ended) for reading in self._readings)
        self._verdict = merge_verdicts(self._verdict, *found)

    def _release(self, place: int) -> str:
        """Let go of the text before `place`."""
        if self.is_cut:
            return ""
        released = self._held[: place - self._fed] if place < self._fed else self._held
        self._held = self._held[len(released) :]
        self._released.append(released)
        return released
