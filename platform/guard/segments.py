"""The pieces in which a longer message is read, so that one sentence is not lost among many."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

LONG, LONGEST = 16, 24
"""A sentence of more words than LONG is also read in pieces, and one of more than LONGEST in pieces only."""
_PIECE, _STEP = 12, 4
_LEAST = 3
# A text with more units than this is no prose. Its sentences are joined until they have so many words.
_MOST_UNITS, _LEAST_OF_MANY = 1500, 10

_SENTENCE_ENDS = re.compile(r"[.!?…。！？]+[\"'”’»)\]]*(?=\s|\Z)|[\r\n\v\f\x85\u2028\u2029]+|(?=[¿¡])")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\r?\n")
# Letters that run on without a space are taken apart, or a long enough run would be one word.
_WORD = re.compile(r"\S{1,24}")


class Segment(NamedTuple):
    """A piece of a text: `text[start:end]`. It `should_cut` where it is a part of one sentence."""

    start: int
    end: int
    is_cut: bool


class _Word(NamedTuple):
    start: int
    end: int


type _Words = list[_Word]


def split_sentences(text: str) -> list[_Words]:
    """The words of each sentence. The end of a line and an opening ¿ or ¡ end a sentence as well."""
    ends = [*(match.end() for match in _SENTENCE_ENDS.finditer(text)), len(text)]
    found = (
        [_Word(*word.span()) for word in _WORD.finditer(text, start, end)]
        for start, end in zip([0, *ends], ends, strict=False)
    )
    return [words for words in found if words]


def is_short(text: str) -> bool:
    """Whether a text is one or two sentences of ordinary length, which are read as a whole and in no other way."""
    return _are_short(split_sentences(text))


def split_segments(text: str) -> list[Segment]:
    """Every piece of a text that is read by itself; together they cover all its words. None for a short text.

    These are sentences, each two that are neighbours, and in a long sentence every twelve words, each time four words
    further on. Very short sentences are taken together with the next one. The number of pieces is in proportion to the
    text's length.
    """
    sentences = split_sentences(text)
    if _are_short(sentences):
        return []
    units = list(_units(sentences, _LEAST))
    if len(units) > _MOST_UNITS:
        units = list(_units(sentences, _LEAST_OF_MANY))
    pieces = [
        *units,
        *_begin_paragraphs(text, sentences),
        *([*one, *other] for one, other in pairwise(units)),
        *_shifted(sentences),
    ]
    starts = [words[0].start for words in sentences]
    return [_segment(place, sentences, starts) for place in sorted({_place(words) for words in pieces})]


def _begin_paragraphs(text: str, sentences: list[_Words]) -> Iterator[_Words]:
    """The sentences after a blank line: what is copied before it may break off in a word or two."""
    for before, words in pairwise(sentences):
        if _LEAST <= len(words) <= LONGEST and _BLANK_LINE.search(text, before[-1].end, words[0].start):
            yield words


def _are_short(sentences: list[_Words]) -> bool:
    return len(sentences) <= 2 and all(len(words) <= LONGEST for words in sentences)  # noqa: PLR2004


def _units(sentences: Iterable[_Words], least: int) -> Iterator[_Words]:
    """Sentences and parts of long ones, one after the other, each of at least so many words but for the last."""
    waiting: _Words = []
    for sentence in sentences:
        for part in [sentence] if len(sentence) <= LONGEST else _in_parts(sentence):
            waiting = [*waiting, *part]
            if len(waiting) >= least:
                yield waiting
                waiting = []
    if waiting:
        yield waiting


def _in_parts(words: _Words) -> list[_Words]:
    return [words[first : first + _PIECE] for first in range(0, len(words), _PIECE)]


def _shifted(sentences: Iterable[_Words]) -> Iterator[_Words]:
    """Every twelve words of a long sentence, each time four words further on, up to its end."""
    for words in sentences:
        if len(words) > LONG:
            for first in range(0, len(words) - _PIECE + _STEP, _STEP):
                yield words[first : first + _PIECE]


def _place(words: _Words) -> tuple[int, int]:
    return words[0].start, words[-1].end


def _segment(place: tuple[int, int], sentences: list[_Words], starts: list[int]) -> Segment:
    start, end = place
    around = _place(sentences[bisect_right(starts, start) - 1])
    return Segment(start, end, is_cut=end <= around[1] and place != around)
