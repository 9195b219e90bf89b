"""Splits a longer message into parts that are judged separately, so that one sentence still counts."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

LONG, LONGEST = 16, 24
"""In words. A sentence longer than LONG is also read in parts; one longer than LONGEST only in parts."""
_PART_WORDS, _STEP_WORDS = 12, 4
_MIN_UNIT_WORDS = 3
# A text with more units than this is not prose: its sentences are joined up to this number of words.
_MAX_UNITS, _MIN_WORDS_OF_MANY_UNITS = 1500, 10

_SENTENCE_ENDS = re.compile(r"[.!?…。！？]+[\"'”’»)\]]*(?=\s|\Z)|[\r\n\v\f\x85\u2028\u2029]+|(?=[¿¡])")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\r?\n")
# A run of letters without a space is split, or it would be one word of any length.
_WORD = re.compile(r"\S{1,24}")


class Segment(NamedTuple):
    """The part `text[start:end]`. `is_cut` if it is only part of a sentence."""

    start: int
    end: int
    is_cut: bool


class _Word(NamedTuple):
    start: int
    end: int


type _Words = list[_Word]


def split_sentences(text: str) -> list[_Words]:
    """Split a text into sentences and those into words. Line ends and an opening ¿ or ¡ also end a sentence."""
    ends = [*(match.end() for match in _SENTENCE_ENDS.finditer(text)), len(text)]
    segments = (
        [_Word(*word.span()) for word in _WORD.finditer(text, start, end)]
        for start, end in zip([0, *ends], ends, strict=False)
    )
    return [words for words in segments if words]


def drop_repeated_sentences(text: str) -> str:
    """Return a text with each sentence once, or the text itself if none is repeated."""
    parts = [text[words[0].start : words[-1].end] for words in split_sentences(text)]
    unique = list(dict.fromkeys(parts))
    return text if len(unique) == len(parts) else "\n".join(unique)


def is_short(text: str) -> bool:
    """Return whether a text is one or two sentences of ordinary length, which are only read as a whole."""
    return _are_short(split_sentences(text))


def split_segments(text: str) -> list[Segment]:
    """Return the segments of a text that are judged separately; an empty list for a short text.

    Segments are single sentences, pairs of neighboring sentences, and in a long sentence overlapping runs of twelve
    words. Very short sentences are joined with the next one. Together the segments cover all words, and their number
    is proportional to the text's length.
    """
    sentences = split_sentences(text)
    if _are_short(sentences):
        return []
    units = list(_join_short_sentences(sentences, _MIN_UNIT_WORDS))
    if len(units) > _MAX_UNITS:
        units = list(_join_short_sentences(sentences, _MIN_WORDS_OF_MANY_UNITS))
    pieces = [
        *units,
        *_list_paragraph_starts(text, sentences),
        *([*unit, *other] for unit, other in pairwise(units)),
        *_list_overlapping_parts(sentences),
    ]
    starts = [words[0].start for words in sentences]
    return [
        _build_segment(span, sentences, starts) for span in sorted({_get_span(words) for words in pieces})
    ]


def _list_paragraph_starts(text: str, sentences: list[_Words]) -> Iterator[_Words]:
    """Yield the sentences that follow a blank line: text that was pasted above it may break off after a word or two."""
    for before, words in pairwise(sentences):
        if _MIN_UNIT_WORDS <= len(words) <= LONGEST and _BLANK_LINE.search(
            text, before[-1].end, words[0].start
        ):
            yield words


def _are_short(sentences: list[_Words]) -> bool:
    return len(sentences) <= 2 and all(len(words) <= LONGEST for words in sentences)  # noqa: PLR2004


def _join_short_sentences(sentences: Iterable[_Words], least: int) -> Iterator[_Words]:
    """Yield sentences, and parts of long ones, joined until each has `least` words; the last may have fewer."""
    joined: _Words = []
    for sentence in sentences:
        for part in [sentence] if len(sentence) <= LONGEST else _cut_into_parts(sentence):
            joined = [*joined, *part]
            if len(joined) >= least:
                yield joined
                joined = []
    if joined:
        yield joined


def _cut_into_parts(words: _Words) -> list[_Words]:
    return [words[first : first + _PART_WORDS] for first in range(0, len(words), _PART_WORDS)]


def _list_overlapping_parts(sentences: Iterable[_Words]) -> Iterator[_Words]:
    """Yield overlapping parts of twelve words, each four words after the one before."""
    for words in sentences:
        if len(words) > LONG:
            for first in range(0, len(words) - _PART_WORDS + _STEP_WORDS, _STEP_WORDS):
                yield words[first : first + _PART_WORDS]


def _get_span(words: _Words) -> tuple[int, int]:
    return words[0].start, words[-1].end


def _build_segment(span: tuple[int, int], sentences: list[_Words], starts: list[int]) -> Segment:
    start, end = span
    sentence_span = _get_span(sentences[bisect_right(starts, start) - 1])
    return Segment(start, end, is_cut=end <= sentence_span[1] and span != sentence_span)
