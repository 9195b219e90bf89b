"""Splits streamed letters into words."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from guard.vocabulary import MAX_WORD_LENGTH, Vocabulary, VocabularyMatch
from kit.folding import FoldedText, join_folded, slice_folded

# Characters that may replace or hide a letter: "k!ll", "su*cide", "don't". More than three end a word.
_WORD = re.compile(r"[\w$@](?:[\w$@]|['!*]{1,3}(?=[\w$@]))*")
_ENDS_A_WORD = re.compile(r"['!*]{0,3}[^\w$@'!*]|['!*]{4}")
_UNDECIDED = re.compile(r"['!*]*\Z")
_ENDS_A_SENTENCE = re.compile(r"[.!?\r\n]")
_SPELLED_AT_LEAST, _SPELLED_AT_MOST = 3, 32


class Word(NamedTuple):
    """A word of the original text, `text[start:end]`, and its symbol in the rules' vocabulary."""

    symbol: int
    start: int
    end: int
    begins_sentence: bool


class WordReader:
    """Reads words from folded text that comes in pieces. The words do not depend on how it is cut.

    A word is returned once no later letter can change it. Single letters, as in "k i l l", are
    read as the word they spell, so they wait for the next longer word. A word of more than `longest` letters is
    returned immediately, as an unknown one.
    """

    def __init__(self, vocabulary: Vocabulary, *, longest: int = MAX_WORD_LENGTH) -> None:
        self._vocabulary = vocabulary
        self._longest = longest
        self._rest = FoldedText("", [0])
        self._rest_begins_sentence = False
        self._in_long_word = False
        self._letters: list[tuple[int, bool]] = []

    def is_like(self, other: "WordReader") -> bool:
        """Return whether both read the same from what follows."""
        return (
            self._rest.text == other._rest.text  # noqa: SLF001 - of the same class
            and list(self._rest.offsets) == list(other._rest.offsets)  # noqa: SLF001
            and self._rest_begins_sentence == other._rest_begins_sentence  # noqa: SLF001
            and self._in_long_word == other._in_long_word  # noqa: SLF001
        )

    @property
    def position(self) -> int:
        """The offset in the original of the first letter that is not yet part of a returned word."""
        return self._rest.offsets[0]

    def feed(self, piece: FoldedText, *, is_last: bool = False) -> list[Word]:
        """Return the words that are certain now, or all the rest with the last one."""
        self._rest = join_folded(self._rest, piece) if self._rest.text else piece
        if self._in_long_word and not self._leave_long_word():
            return []
        text, words, used, is_first = self._rest.text, list[Word](), 0, self._rest_begins_sentence
        final = len(text) if is_last else _find_last_end(text)
        for match in _WORD.finditer(text):
            start, end = match.span()
            is_first = is_first or bool(_ENDS_A_SENTENCE.search(text, used, start))
            used = start
            if end > final and end - start <= self._longest:
                break
            if end - start == 1 and (self._letters or text[start].isalpha()):
                self._letters.append((start, is_first))
                if len(self._letters) == _SPELLED_AT_MOST:
                    words += self._take_spelled_words(goes_on=True)
            else:
                if self._letters:
                    words += self._take_spelled_words()
                words += self._build_words(self._vocabulary.read(match[0]), range(start, end + 1), is_first)
                self._in_long_word = end > final
            used, is_first = end, False
        else:
            is_first = is_first or bool(_ENDS_A_SENTENCE.search(text, used, final))
            used = max(used, final)
        if is_last:
            words += self._take_spelled_words()
        # Single letters are read again with the next piece.
        used, self._rest_begins_sentence = self._letters[0] if self._letters else (used, is_first)
        self._letters.clear()
        self._rest = slice_folded(self._rest, used)
        return words

    def _leave_long_word(self) -> bool:
        text = self._rest.text
        if end := _ENDS_A_WORD.search(text):
            self._in_long_word = False
            self._rest = slice_folded(self._rest, end.start())
            return True
        if undecided := _UNDECIDED.search(text):
            self._rest = slice_folded(self._rest, undecided.start())
        return False

    def _take_spelled_words(self, *, goes_on: bool = False) -> list[Word]:
        """Return words spelled with spaced letters. If the text `goes_on`, a word that may be incomplete stays."""
        groups, words = self._group_letters(), list[Word]()
        is_spelled_out = len(self._letters) >= _SPELLED_AT_LEAST
        self._letters.clear()
        if goes_on and len(groups) > 1 and self._rest.text[groups[-1][0][0]].isalpha():
            self._letters = groups.pop()
        for letters in groups:
            positions = [position for position, _ in letters]
            text = "".join(self._rest.text[position] for position in positions)
            if not is_spelled_out:
                words += self._build_words(
                    self._vocabulary.read(text), range(positions[0], positions[0] + 2), letters[0][1]
                )
                continue
            for part in self._vocabulary.split(text):
                part_positions = positions[part.start : part.end]
                at_start = part._replace(start=0, end=1)
                words += self._build_words(
                    [at_start], [part_positions[0], part_positions[-1] + 1], letters[part.start][1]
                )
        return words

    def _group_letters(self) -> list[list[tuple[int, bool]]]:
        """Group letters into words if the gaps between words differ from the gaps between letters.

        Adjacent groups that are not words are joined: uneven gaps may be there only to hide a word.
        """
        if len(self._letters) < _SPELLED_AT_LEAST:
            return [[letter] for letter in self._letters]
        text = self._rest.text
        gaps = [text[first + 1 : second] for (first, _), (second, _) in pairwise(self._letters)]
        usual_gap = Counter(gaps).most_common(1)[0][0]
        runs = [[self._letters[0]]]
        for letter, gap in zip(self._letters[1:], gaps, strict=True):
            if gap == usual_gap or "'" in gap:
                runs[-1].append(letter)
            else:
                runs.append([letter])
        groups, after_word = list[list[tuple[int, bool]]](), True
        for run in runs:
            is_word = self._vocabulary.knows("".join(text[position] for position, _ in run))
            if is_word or after_word:
                groups.append(run)
            else:
                groups[-1] += run
            after_word = is_word
        return groups

    def _build_words(
        self,
        parts: list[VocabularyMatch],
        positions: Sequence[int],
        begins_sentence: bool,  # noqa: FBT001
    ) -> list[Word]:
        offsets = self._rest.offsets
        return [
            Word(symbol, offsets[positions[start]], offsets[positions[end]], begins_sentence and start == 0)
            for symbol, start, end in parts
        ]


def _find_last_end(text: str) -> int:
    """Return the offset after the last sign that ends a word, or 0."""
    end = 0
    for sign in _ENDS_A_WORD.finditer(text):
        end = sign.end()
    return end
