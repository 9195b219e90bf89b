"""How many tokens a text is, before any model has counted them, and while one writes."""

import math
import re
from functools import lru_cache

# A chat template wraps every message in a few tokens of its own (role, start and end marks).
TOKENS_PER_MESSAGE = 8
# English prose is near 4.2 bytes a token in the byte-level vocabularies in use.
TYPICAL_BYTES_PER_TOKEN = 4
# A tutor's answer has no more, apart from white space and rulers.
MAX_BYTES_PER_TOKEN = 6
# Servers that send a token a chunk, which most do, send none that is longer; others send a sentence at a time.
MAX_TOKEN_LENGTH = 16

# What a vocabulary may have as one token or a few: words that touch no digit, with the space before them, in one case
# or with a capital at the beginning; and white space.
_NATURAL = re.compile(r"(?: |(?<![0-9A-Za-z]))(?:[A-Za-z][a-z]*|[A-Z]+)(?![0-9A-Za-z])| {3,}")
# Consonants and vowels in turns, as in words that people speak.
_SPEAKABLE = re.compile(r"[a-z]?(?:[b-df-hj-np-tv-xz]{0,4}[aeiouy]{1,3}){1,7}[b-df-hj-np-tv-xz]{0,4}")
_LONGEST_SPEAKABLE = 16
_VOWELS = frozenset("aeiouy")
# Words that are half of all English and Spanish prose, and one token to every model. A bound that took them for two
# would refuse questions that fit.
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
    """An estimate of one message's tokens, mark-up included: for billing where a provider counts nothing."""
    return math.ceil(len(text.encode()) / TYPICAL_BYTES_PER_TOKEN) + TOKENS_PER_MESSAGE


def estimate_max_tokens(text: str) -> int:
    """A bound on one message's tokens, mark-up included: what a hold has to cover.

    A byte-level vocabulary never needs more than a token a byte, and digits, symbols and other scripts can come to
    that. Only what reads like a word is taken for less.
    """
    words = _NATURAL.findall(text)
    return (
        len(text.encode())
        - sum(map(len, words))
        + sum(map(_estimate_max_word_tokens, words))
        + TOKENS_PER_MESSAGE
    )


@lru_cache(maxsize=8192)
def _estimate_max_word_tokens(found: str) -> int:
    word = found.strip()
    length = len(word or found)
    if not word:
        return math.ceil(length / 3)
    if length > 1 and word.isupper():
        return math.ceil(length * 0.8)
    word = word.lower()
    if length == 1 or word in _COMMON or (length == 2 and _VOWELS.intersection(word)):  # noqa: PLR2004
        return 1
    is_speakable = length <= _LONGEST_SPEAKABLE and _SPEAKABLE.fullmatch(word)
    return math.ceil(length * (0.45 if is_speakable else 0.8))


def estimate_piece_tokens(text: str) -> tuple[int, int]:
    """How many tokens a piece of an answer is: as likely, and at the least. Most pieces are one."""
    if len(text) <= MAX_TOKEN_LENGTH:
        return 1, 1
    likely = math.ceil(len(text.encode()) / TYPICAL_BYTES_PER_TOKEN)
    return likely, math.ceil(len(" ".join(text.split())) / MAX_BYTES_PER_TOKEN)
