"""Estimates the tokens of a text before a model has counted them."""

import math
import re
from functools import lru_cache

# A chat template adds a few tokens to each message (role, start and end markers).
TOKENS_PER_MESSAGE = 8
# English prose has about 4.2 bytes per token in common byte-level vocabularies.
TYPICAL_BYTES_PER_TOKEN = 4
# The most in a tutor's answer, apart from white space and rulers.
MAX_BYTES_PER_TOKEN = 6
# The longest token of servers that send one token per chunk. Other servers send a sentence at a time.
MAX_TOKEN_LENGTH = 16

# Text that may be one or a few tokens: words in one case or capitalized, with the space before them and no digits
# beside them; and white space.
_NATURAL = re.compile(r"(?: |(?<![0-9A-Za-z]))(?:[A-Za-z][a-z]*|[A-Z]+)(?![0-9A-Za-z])| {3,}")
# Alternating consonants and vowels, as in natural words.
_PRONOUNCEABLE = re.compile(r"[a-z]?(?:[b-df-hj-np-tv-xz]{0,4}[aeiouy]{1,3}){1,7}[b-df-hj-np-tv-xz]{0,4}")
_MAX_PRONOUNCEABLE_LENGTH = 16
_VOWELS = frozenset("aeiouy")
# Words that make up half of English and Spanish prose and are one token in every model. Counting them as two would
# reject questions that fit.
_COMMON_WORDS = """
about above after again also always and any are back because been before being between both but came can come
could did does done down each even every find first for from full give goes going good great had has have help
here her him his how into its just keep know learn less let like line little long look made make many may mean
means more most much must name need new next not now number off often old one only open other our out over own
part people place point question read right said same say school see she should show small some something start
still such take tell than that the their them then there these they thing things think this those three through
time too two under until use used very want was water way well were what when where which while who why will
with word words work world would write year you your answer algo antes como con cosa cosas cuando del desde
donde dos ella ellos entre era esta este esto fue hace hacer hasta hay las los mas mejor muy nada nos otra otro
para parte pero poco por porque puede pueden que quien ser siempre sin sobre solo son sus tiene tienen todo
todos una uno unos vez
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def estimate_tokens(text: str) -> int:
    """Estimate one message's tokens, including its template, for billing if the server reports no usage."""
    return math.ceil(len(text.encode()) / TYPICAL_BYTES_PER_TOKEN) + TOKENS_PER_MESSAGE


def estimate_max_tokens(text: str) -> int:
    """Return an upper bound of one message's tokens, including its template: what a hold must cover.

    A byte-level vocabulary needs at most one token per byte, which digits, symbols and other scripts can reach. Only
    natural words count as fewer.
    """
    words = _NATURAL.findall(text)
    return (
        len(text.encode())
        - sum(map(len, words))
        + sum(map(_estimate_max_word_tokens, words))
        + TOKENS_PER_MESSAGE
    )


@lru_cache(maxsize=8192)
def _estimate_max_word_tokens(text: str) -> int:
    word = text.strip()
    length = len(word or text)
    if not word:
        return math.ceil(length / 3)
    if length > 1 and word.isupper():
        return math.ceil(length * 0.8)
    word = word.lower()
    if length == 1 or word in _COMMON or (length == 2 and _VOWELS.intersection(word)):  # noqa: PLR2004
        return 1
    is_pronounceable = length <= _MAX_PRONOUNCEABLE_LENGTH and _PRONOUNCEABLE.fullmatch(word)
    return math.ceil(length * (0.45 if is_pronounceable else 0.8))


def estimate_piece_tokens(text: str) -> tuple[int, int]:
    """Return an estimate and a minimum of the tokens in a streamed piece. Most pieces are one token."""
    if len(text) <= MAX_TOKEN_LENGTH:
        return 1, 1
    likely = math.ceil(len(text.encode()) / TYPICAL_BYTES_PER_TOKEN)
    return likely, math.ceil(len(" ".join(text.split())) / MAX_BYTES_PER_TOKEN)
