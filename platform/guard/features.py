"""The classifier's features of a text: its words, pairs and triples of words, and character n-grams.

Training and judging both use this module. A change here invalidates the shipped model: raise FEATURES_VERSION and train
again. The model stores the version with which it was trained.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

from kit.folding import fold

FEATURES_VERSION = 1
BUCKETS = 1 << 16
"""The number of hash buckets. Features may collide; the rest of the text tells them apart."""

# A long text is judged in overlapping windows, so that one sentence still counts.
WINDOW_WORDS, STRIDE_WORDS = 64, 48

_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[\U0001F300-\U0001FAFF\u2620\u2639\u2764]")
_MAX_TOKEN_LENGTH = 24
_NGRAM_SIZES = (3, 4, 5)


class Window(NamedTuple):
    """The part `text[start:end]` as two sets of buckets: words and their combinations, and character n-grams."""

    start: int
    end: int
    words: frozenset[int]
    pieces: frozenset[int]


class _Token(NamedTuple):
    word: bytes
    start: int
    end: int


def split_windows(text: str) -> Iterator[Window]:
    """Yield the windows of a text, the last one up to its end. Yields nothing for a text without words."""
    folded = fold(text)
    tokens = [
        _Token(_normalize_token(match[0]), folded.offsets[match.start()], folded.offsets[match.end()])
        for match in _TOKEN.finditer(folded.text)
    ]
    if not tokens:
        return
    starts = list(range(0, max(len(tokens) - WINDOW_WORDS, 0) + 1, STRIDE_WORDS))
    if starts[-1] + WINDOW_WORDS < len(tokens):
        starts.append(len(tokens) - WINDOW_WORDS)
    for start in starts:
        yield _build_window(tokens[start : start + WINDOW_WORDS])


def _normalize_token(token: str) -> bytes:
    """Replace numbers by "#" and remove apostrophes, which are often omitted."""
    return b"#" if token.isdigit() else token.replace("'", "")[:_MAX_TOKEN_LENGTH].encode()


def _build_window(tokens: list[_Token]) -> Window:
    words = [b"<", *(token.word for token in tokens), b">"]
    buckets = {_hash_to_bucket(word) for word in words[1:-1]}
    buckets.update(_hash_to_bucket(b" ".join(pair)) for pair in pairwise(words))
    buckets.update(
        _hash_to_bucket(b" ".join(three)) for three in zip(words, words[1:], words[2:], strict=False)
    )
    buckets.update(
        _hash_to_bucket(first + b" _ " + other) for first, other in zip(words, words[2:], strict=False)
    )
    pieces: set[int] = set()
    for word in set(words[1:-1]):
        pieces.update(_list_ngrams(word))
    return Window(tokens[0].start, tokens[-1].end, frozenset(buckets), frozenset(pieces))


@lru_cache(maxsize=16384)
def _list_ngrams(word: bytes) -> tuple[int, ...]:
    padded = b"." + word + b"."
    return tuple(
        _hash_to_bucket(b"~" + padded[start : start + size])
        for size in _NGRAM_SIZES
        for start in range(max(len(padded) - size, 0) + 1)
    )


def _hash_to_bucket(feature: bytes) -> int:
    return crc32(feature) % BUCKETS
