"""The output gate: stops an answer before it contains something that a rule forbids."""

from guard.judge import NOTHING_FOUND
from guard.output import create_scanner, should_cut
from guard.verdict import Verdict, merge_verdicts
from guard.vocabulary import MAX_WORD_LENGTH
from kit.folding import FoldedText, fold


class OutputGate:
    """Releases an answer while it streams, but never the beginning of a phrase that a rule then matches.

    Text is held back only while it could be part of a match: from the first word of the earliest unfinished phrase, or
    from the last word or markup, which may be incomplete. So most words are released with the space that follows them,
    and no phrase is released before it was judged as a whole, wherever pieces are cut. This is exact: the gate finds
    what `judge_output` finds in the whole text.

    After a match nothing more is released. Without a match, the released pieces together equal the text.

    `window` is how many characters of one unfinished word may be held back. Rules match words of up to MAX_WORD_LENGTH
    letters, so it must not be smaller; a longer run of letters matches no rule and is released as it comes. The number
    of words held is bounded by guard.rules.MAX_PHRASE_WORDS, and that of markup by guard.markup. The work of one `feed`
    does not grow with the text released before.
    """

    def __init__(self, window: int = MAX_WORD_LENGTH) -> None:
        if window < MAX_WORD_LENGTH:
            raise ValueError(
                f"rules match words of up to {MAX_WORD_LENGTH} letters; a window of {window} would miss some"
            )
        self._scanner = create_scanner(longest=window)
        self._held = ""
        self._fed = 0
        self._released: list[str] = []
        self._verdict = NOTHING_FOUND

    @property
    def verdict(self) -> Verdict:
        """The most careful verdict so far. Its evidence has offsets into the whole answer."""
        return self._verdict

    @property
    def is_cut(self) -> bool:
        return should_cut(self._verdict)

    @property
    def released(self) -> str:
        """All text released so far."""
        return "".join(self._released)

    def feed(self, text: str) -> str:
        """Take the next piece of the answer. Returns the text that may be shown now."""
        if self.is_cut:
            return ""
        piece = fold(text, offset=self._fed)
        self._held += text
        self._fed += len(text)
        self._judge(piece)
        return self._release(self._scanner.position)

    def finish(self) -> str:
        """End the answer. Returns the text that was held back, or "" if a rule matches it."""
        if self.is_cut:
            return ""
        self._judge(fold("", offset=self._fed), is_last=True)
        return self._release(self._fed)

    def _judge(self, piece: FoldedText, *, is_last: bool = False) -> None:
        verdict = self._scanner.read(piece, is_last=is_last)
        if verdict is not NOTHING_FOUND:
            self._verdict = merge_verdicts(self._verdict, verdict)

    def _release(self, position: int) -> str:
        """Release the text before the offset `position`."""
        if self.is_cut:
            return ""
        released = self._held[: position - self._fed] if position < self._fed else self._held
        self._held = self._held[len(released) :]
        self._released.append(released)
        return released
