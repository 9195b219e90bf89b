"""The English stemmer of Snowball (Porter2), in the edition that PostgreSQL 18 has: snowballstem.org, before 3.0.

Only for a word that the parser of PostgreSQL has cut, so it has no apostrophe and is lowercase.
"""

# ruff: noqa: PLR2004 - lengths of words
from courses.retrieval.stemming.suffixes import begins_in, find_region, find_suffix, replace_suffix

VOWELS = frozenset("aeiouy")
# A "y" that is a consonant is written "Y" while a word is stemmed.
CONSONANT_Y = "Y"
NO_SHORT_END = VOWELS | frozenset("wxY")
ENDS_BEFORE_LI = frozenset("cdeghkmnrt")
DOUBLES = frozenset({"bb", "dd", "ff", "gg", "mm", "nn", "pp", "rr", "tt"})
# "added" is "add", not "ad".
KEPT_BEFORE_DOUBLES = frozenset("aeo")
# After these, R1 begins, so that "general" and "generous" stay apart.
BEGINNINGS = ("gener", "commun", "arsen")

WHOLE_WORDS = {
    "skis": "ski", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "idly": "idl",
    "gently": "gentl", "ugly": "ugli", "early": "earli", "only": "onli", "singly": "singl",
} | {word: word for word in ("sky", "news", "howe", "atlas", "cosmos", "bias", "andes")}  # fmt: skip
WITHOUT_PLURAL = frozenset(
    {"inning", "outing", "canning", "herring", "earring", "proceed", "exceed", "succeed"}
)

PLURALS = frozenset({"sses", "ied", "ies", "s", "us", "ss"})
PAST = frozenset({"eed", "eedly", "ed", "edly", "ing", "ingly"})
STEP_2 = {
    "tional": "tion", "enci": "ence", "anci": "ance", "abli": "able", "entli": "ent", "izer": "ize",
    "ization": "ize", "ational": "ate", "ation": "ate", "ator": "ate", "alism": "al", "aliti": "al",
    "alli": "al", "fulness": "ful", "ousli": "ous", "ousness": "ous", "iveness": "ive", "iviti": "ive",
    "biliti": "ble", "bli": "ble", "ogi": "og", "fulli": "ful", "lessli": "less", "li": "",
}  # fmt: skip
STEP_3 = {
    "tional": "tion", "ational": "ate", "alize": "al", "icate": "ic", "iciti": "ic", "ical": "ic",
    "ful": "", "ness": "", "ative": "",
}  # fmt: skip
STEP_4 = frozenset({
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ism", "ate", "iti",
    "ous", "ive", "ize", "ion",
})  # fmt: skip


def stem_english(word: str) -> str:
    """Return the stem of a lowercase word."""
    if word in WHOLE_WORDS:
        return WHOLE_WORDS[word]
    if len(word) < 3:
        return word
    word = _mark_consonants(word)
    r1 = next((len(start) for start in BEGINNINGS if word.startswith(start)), 0) or find_region(word, VOWELS)
    r2 = find_region(word, VOWELS, r1)
    word = _cut_plural(word)
    if word not in WITHOUT_PLURAL:
        word = _cut_final_y(_cut_past(word, r1))
        word = _shorten(word, r1)
        word = _cut_adjective(word, r1, r2)
        word = _cut_noun(word, r2)
        word = _cut_final_e_or_l(word, r1, r2)
    return word.replace(CONSONANT_Y, "y")


def _mark_consonants(word: str) -> str:
    if "y" not in word:
        return word
    letters = list(word)
    for position, letter in enumerate(letters):
        if letter == "y" and (position == 0 or letters[position - 1] in VOWELS):
            letters[position] = CONSONANT_Y
    return "".join(letters)


def _has_vowel(part: str) -> bool:
    return not VOWELS.isdisjoint(part)


def _ends_short(word: str) -> bool:
    """Return whether a word ends in a short syllable, as in "hop"."""
    if len(word) == 2:
        return word[0] in VOWELS and word[1] not in VOWELS
    return len(word) > 2 and word[-1] not in NO_SHORT_END and word[-2] in VOWELS and word[-3] not in VOWELS


def _cut_plural(word: str) -> str:
    suffix = find_suffix(word, PLURALS)
    if suffix == "sses":
        return word[:-2]
    if suffix in {"ied", "ies"}:
        return word[:-2] if len(word) > 4 else word[:-1]
    return word[:-1] if suffix == "s" and _has_vowel(word[:-2]) else word


def _cut_past(word: str, r1: int) -> str:
    suffix = find_suffix(word, PAST)
    if not suffix:
        return word
    if suffix.startswith("eed"):
        return replace_suffix(word, suffix, "ee") if begins_in(word, suffix, r1) else word
    stem = word[: -len(suffix)]
    if not _has_vowel(stem):
        return word
    if stem.endswith(("at", "bl", "iz")):
        return stem + "e"
    if stem[-2:] in DOUBLES:
        return stem if len(stem) == 3 and stem[0] in KEPT_BEFORE_DOUBLES else stem[:-1]
    return stem + "e" if len(stem) == r1 and _ends_short(stem) else stem


def _cut_final_y(word: str) -> str:
    is_cut = len(word) > 2 and word[-1] in "yY" and word[-2] not in VOWELS
    return word[:-1] + "i" if is_cut else word


def _shorten(word: str, r1: int) -> str:
    suffix = find_suffix(word, STEP_2)
    if not suffix or not begins_in(word, suffix, r1):
        return word
    before = word[: -len(suffix)]
    if suffix == "ogi" and not before.endswith("l"):
        return word
    if suffix == "li" and before[-1:] not in ENDS_BEFORE_LI:
        return word
    return before + STEP_2[suffix]


def _cut_adjective(word: str, r1: int, r2: int) -> str:
    suffix = find_suffix(word, STEP_3)
    is_cut = suffix and begins_in(word, suffix, r2 if suffix == "ative" else r1)
    return replace_suffix(word, suffix, STEP_3[suffix]) if is_cut else word


def _cut_noun(word: str, r2: int) -> str:
    suffix = find_suffix(word, STEP_4)
    if not suffix or not begins_in(word, suffix, r2):
        return word
    before = word[: -len(suffix)]
    return word if suffix == "ion" and before[-1:] not in {"s", "t"} else before


def _cut_final_e_or_l(word: str, r1: int, r2: int) -> str:
    before, last = word[:-1], word[-1:]
    if last == "e" and (len(before) >= r2 or (len(before) >= r1 and not _ends_short(before))):
        return before
    return before if last == "l" and len(before) >= r2 and before.endswith("l") else word
