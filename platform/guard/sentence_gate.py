"""The sentence gate: ends an answer at a sentence that a judge finds unsafe, beside the rules of the output gate."""

from collections import deque
from dataclasses import replace

from guard.answers import SentenceJudge, SentenceSplitter
from guard.judge import NOTHING_FOUND
from guard.output import should_cut
from guard.verdict import Verdict


class SentenceGate:
    """Judges each sentence of an answer when it is finished, in order and once.

    With `holds_sentences`, text is released only with its whole sentence, so nothing of an unsafe sentence is ever
    released. Otherwise text is released at once, except the end of a sentence, which waits for the verdict. Once
    `is_cut`, the caller must then withdraw what it has shown of the answer after `judged_length`.

    `feed` is cheap. `release` and `finish` may call the judge, so call them on another thread; calls must not overlap.
    If the judge raises, nothing more is released, and `judged_length` says how much was found safe.
    """

    def __init__(self, judge: SentenceJudge, *, holds_sentences: bool) -> None:
        self._judge = judge
        self._holds_sentences = holds_sentences
        self._splitter = SentenceSplitter()
        self._finished: deque[str] = deque()
        self._fed_length = self._released_length = 0
        self._held = ""
        self._has_failed = False
        self.verdict = NOTHING_FOUND
        self.judged_length = 0
        """How many characters of the answer are in sentences that were found safe."""
        self.judged_count = 0
        """How many sentences were judged."""

    @property
    def is_cut(self) -> bool:
        return should_cut(self.verdict)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is released."""
        return self.is_cut or self._has_failed

    def feed(self, text: str) -> bool:
        """Take the next piece of the answer. Returns whether sentences wait for the judge."""
        self._held += text
        self._fed_length += len(text)
        self._finished += self._splitter.feed(text)
        return bool(self._finished)

    def release(self) -> str:
        """Judge the sentences that wait. Returns the text that may be shown now."""
        self._judge_finished()
        return self._take(self.judged_length if self._holds_sentences else self._fed_length)

    def finish(self, text: str = "") -> str:
        """End the answer with its last piece. Judges what is left, and returns the text that may be shown now."""
        self.feed(text)
        self._finished += self._splitter.finish()
        self._judge_finished()
        return self._take(self._fed_length)

    def _judge_finished(self) -> None:
        while self._finished and not self.has_ended:
            sentence = self._finished.popleft()
            if any(map(str.isalnum, sentence)):
                self._judge_sentence(sentence)
            if not self.is_cut:
                self.judged_length += len(sentence)

    def _judge_sentence(self, sentence: str) -> None:
        try:
            verdict = self._judge(sentence.strip())
        except Exception:
            self._has_failed = True
            raise
        self.judged_count += 1
        if should_cut(verdict):
            self.verdict = _move_evidence(
                verdict, self.judged_length + len(sentence) - len(sentence.lstrip())
            )

    def _take(self, end: int) -> str:
        """Return the text up to the offset `end` that has not been released yet."""
        if self.has_ended:
            return ""
        taken = self._held[: end - self._released_length]
        self._held = self._held[len(taken) :]
        self._released_length += len(taken)
        return taken


def _move_evidence(verdict: Verdict, offset: int) -> Verdict:
    """Return the verdict on a sentence with offsets into the whole answer."""
    moved = (replace(item, start=item.start + offset, end=item.end + offset) for item in verdict.evidence)
    return replace(verdict, evidence=tuple(moved))
