"""What Snowball's stemmers share: the regions of a word, and its longest suffix."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet

LONGEST_SUFFIX = 8


def find_region(word: str, vowels: AbstractSet[str], start: int = 0) -> int:
    """Return where the region begins after the first consonant that follows a vowel, from `start` on.

    It is the word's length if there is none. Applied once it is Snowball's R1, applied from there R2.
    """
    is_after_vowel = False
    for position in range(start, len(word)):
        if word[position] in vowels:
            is_after_vowel = True
        elif is_after_vowel:
            return position + 1
    return len(word)


def find_suffix(word: str, suffixes: Collection[str], start: int = 0) -> str:
    """Return the longest of these suffixes that the word has from `start` on, or an empty text."""
    for position in range(max(start, len(word) - LONGEST_SUFFIX), len(word)):
        if (suffix := word[position:]) in suffixes:
            return suffix
    return ""


def begins_in(word: str, suffix: str, region: int) -> bool:
    """Return whether the whole suffix lies in the region that begins there."""
    return len(word) - len(suffix) >= region


def replace_suffix(word: str, suffix: str, new: str) -> str:
    return word[: len(word) - len(suffix)] + new
