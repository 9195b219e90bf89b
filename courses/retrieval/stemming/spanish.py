"""The Spanish stemmer of Snowball, in the edition that PostgreSQL 18 has: snowballstem.org, before 3.0."""

# ruff: noqa: PLR2004 - lengths of words
from courses.retrieval.stemming.suffixes import begins_in, find_region, find_suffix, replace_suffix

VOWELS = frozenset("aeiouáéíóúü")
WITHOUT_ACCENT = str.maketrans("áéíóú", "aeiou")

PRONOUNS = frozenset({
    "me", "se", "sela", "selo", "selas", "selos", "la", "le", "lo", "las", "les", "los", "nos",
})  # fmt: skip
BEFORE_PRONOUNS = frozenset({
    "iéndo", "ándo", "ár", "ér", "ír", "ando", "iendo", "ar", "er", "ir", "yendo",
})  # fmt: skip
# What may be cut before a suffix that was cut, and what before that.
AFTER_STEM: dict[str, dict[str, str]] = {
    "": {},
    "ic": {"ic": ""},
    "at": {"at": ""},
    "mente": {"ante": "", "able": "", "ible": ""},
    "idad": {"abil": "", "ic": "", "iv": ""},
    "amente": {"iv": "at", "os": "", "ic": "", "ad": ""},
}
PLAIN_NOUNS = """
anza anzas ico ica icos icas ismo ismos able ables ible ibles ista istas oso osa osos osas amiento amientos imiento
imientos
"""
NOUNS_AFTER_IC = "adora ador ación adoras adores aciones ante antes ancia ancias"
# Each suffix with what replaces it, and the key of AFTER_STEM.
NOUNS: dict[str, tuple[str, str]] = (
    dict.fromkeys(PLAIN_NOUNS.split(), ("", ""))
    | dict.fromkeys(NOUNS_AFTER_IC.split(), ("", "ic"))
    | dict.fromkeys(["logía", "logías"], ("log", ""))
    | dict.fromkeys(["ución", "uciones"], ("u", ""))
    | dict.fromkeys(["encia", "encias"], ("ente", ""))
    | dict.fromkeys(["idad", "idades"], ("", "idad"))
    | dict.fromkeys(["iva", "ivo", "ivas", "ivos"], ("", "at"))
    | {"amente": ("", "amente"), "mente": ("", "mente")}
)
VERBS_WITH_Y = frozenset({
    "ya", "ye", "yan", "yen", "yeron", "yendo", "yo", "yó", "yas", "yes", "yais", "yamos",
})  # fmt: skip
VERBS_AFTER_GU = frozenset({"en", "es", "éis", "emos"})
OTHER_VERBS = """
arían arías arán arás aríais aría aréis aríamos aremos ará aré erían erías erán erás eríais ería eréis eríamos eremos
erá eré irían irías irán irás iríais iría iréis iríamos iremos irá iré aba ada ida ía ara iera ad ed id ase iese aste
iste an aban ían aran ieran asen iesen aron ieron ado ido ando iendo ió ar er ir as abas adas idas ías aras ieras ases
ieses ís áis abais íais arais ierais aseis ieseis asteis isteis ados idos amos ábamos íamos imos áramos iéramos iésemos
ásemos
"""
VERBS = VERBS_AFTER_GU | frozenset(OTHER_VERBS.split())
ENDINGS = frozenset({"os", "a", "o", "á", "í", "ó", "e", "é"})


def stem_spanish(word: str) -> str:
    """Return the stem of a lowercase word, without accents."""
    rv = _find_rv(word)
    r1 = find_region(word, VOWELS)
    r2 = find_region(word, VOWELS, r1)
    word = _cut_pronoun(word, rv)
    word = _cut_noun(word, r1, r2) or _cut_verb_with_y(word, rv) or _cut_verb(word, rv) or word
    return _cut_ending(word, rv).translate(WITHOUT_ACCENT)


def _find_rv(word: str) -> int:
    """Return where Snowball's RV begins: the word's length if it has none."""
    if len(word) < 3:
        return len(word)
    if word[1] not in VOWELS:
        position = next((position for position in range(2, len(word)) if word[position] in VOWELS), None)
    elif word[0] in VOWELS:
        position = next((position for position in range(2, len(word)) if word[position] not in VOWELS), None)
    else:
        return 3
    return len(word) if position is None else position + 1


def _cut_pronoun(word: str, rv: int) -> str:
    """Cut a pronoun that is attached to a verb, as in "dímelo"."""
    pronoun = find_suffix(word, PRONOUNS)
    verb = word[: len(word) - len(pronoun)]
    suffix = find_suffix(verb, BEFORE_PRONOUNS) if pronoun else ""
    if not suffix or not begins_in(verb, suffix, rv):
        return word
    if suffix == "yendo" and not verb.endswith("uyendo"):
        return word
    return replace_suffix(verb, suffix, suffix.translate(WITHOUT_ACCENT))


def _cut_noun(word: str, r1: int, r2: int) -> str | None:
    suffix = find_suffix(word, NOUNS)
    if not suffix or not begins_in(word, suffix, r1 if suffix == "amente" else r2):
        return None
    new, after = NOUNS[suffix]
    word = replace_suffix(word, suffix, new)
    more = AFTER_STEM[after]
    while (suffix := find_suffix(word, more)) and begins_in(word, suffix, r2):
        word = word[: -len(suffix)]
        more = {before: "" for before in [more[suffix]] if before}
    return word


def _cut_verb_with_y(word: str, rv: int) -> str | None:
    suffix = find_suffix(word, VERBS_WITH_Y, rv)
    stem = word[: len(word) - len(suffix)]
    return stem if suffix and stem.endswith("u") else None


def _cut_verb(word: str, rv: int) -> str | None:
    suffix = find_suffix(word, VERBS, rv)
    if not suffix:
        return None
    stem = word[: -len(suffix)]
    return stem[:-1] if suffix in VERBS_AFTER_GU and stem.endswith("gu") else stem


def _cut_ending(word: str, rv: int) -> str:
    suffix = find_suffix(word, ENDINGS)
    if not suffix or not begins_in(word, suffix, rv):
        return word
    stem = word[: -len(suffix)]
    return stem[:-1] if suffix in {"e", "é"} and stem.endswith("gu") and len(stem) - 1 >= rv else stem
