"""Finds an answer in a text, however its numbers, fractions, units and operators are written. Pure.

A *form* is how an answer may be written: `11/24`, `60 km/h`, `x = 11`, `common denominator`. A text contains it if the
form's tokens stand in it side by side. A number is compared by its value, with its unit: `1.5 m` is `150 cm`, and a
number without a unit fits one with any. A fraction is compared as written, because exercises ask for lowest terms. A
form between backquotes is compared letter by letter.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from benchmarks.tutor.units import SCALES, UNIT_PATTERN, find_unit


@dataclass(frozen=True)
class Number:
    """A number with its possible values: `1.250` may be 1250 in Spanish."""

    values: frozenset[Fraction]
    unit: str = ""


@dataclass(frozen=True)
class WrittenFraction:
    """A fraction or mixed number as it is written: 6/8 is not 3/4."""

    whole: int
    numerator: int
    denominator: int


type Token = str | Number | WrittenFraction

VULGAR_FRACTION = re.compile("(?P<whole>[0-9]?)(?P<fraction>[¼-¾⅐-⅞])")
SUPERSCRIPTS = re.compile("[⁰¹²³⁴-⁹⁺⁻]+")
LATEX_GROUP = re.compile(r"\\(?:boxed|text|mathrm|mathbf|textbf|operatorname)\s*\{([^{}]*)\}")
LATEX_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
LATEX_DOLLARS = re.compile(r"\$\$?(?=\S)([^$\n]+?)(?<=\S)\$\$?(?!\d)")
LATEX_SIGNS = (
    (re.compile(r"\\(?:times|cdot|ast)(?![a-z])"), "×"),
    (re.compile(r"\\div(?![a-z])"), "÷"),
    (re.compile(r"\^\s*\{?\s*\\circ\s*\}?|\\degree(?![a-z])"), "°"),
    (re.compile(r"\\pi(?![a-z])"), "π"),
    (re.compile(r"\\Omega(?![a-z])"), "Ω"),
    (re.compile(r"\\leq?(?![a-z])"), "≤"),
    (re.compile(r"\\geq?(?![a-z])"), "≥"),
    (re.compile(r"\\(?:rightarrow|to)(?![a-z])"), "→"),
    (re.compile(r"\\sqrt\s*\{([^{}]*)\}"), r" √\1 "),
    (re.compile(r"\\(?:left|right|quad|qquad|displaystyle)(?![a-z])|\\[,;!: ()\[\]]"), " "),
    (re.compile(r"\\([$%#&_])"), r"\1"),
    (re.compile(r"([\^_])\{([^{}]*)\}"), r"\1\2"),
)
# Numbers of lists and steps are not part of an answer.
ENUMERATION = re.compile(
    r"^[ \t]*(?:[-*+•–][ \t]+|(?:\*\*)?\d{1,2}[.)](?:\*\*)?[ \t]+(?=\S))|\b(?:step|paso)\s+\d+\b",
    re.MULTILINE | re.IGNORECASE,
)
MULTIPLICATION = (
    (re.compile(r"(?<=[\d)a-z²³])\s*[·⋅∙]\s*(?=[\d(a-z-])"), " × "),
    (re.compile(r"(?<=[\d)])\s*\*\s*(?=[\d(-])"), " × "),
    (re.compile(r"(?<=\d)\s*x\s*(?=\d)|(?<=\d)\s+x\s+(?=[(-]?\d)"), " × "),
)

# "-" stands for 1, whose word stands for other things too.
EN_SMALL = re.findall(
    r"\S+",
    "zero - two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen",
)
EN_TENS = re.findall(r"\S+", "twenty thirty forty fifty sixty seventy eighty ninety")
ES_SMALL = re.findall(
    r"\S+",
    "cero - dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis diecisiete "
    "dieciocho diecinueve veinte veintiuno veintidos veintitres veinticuatro veinticinco veintiseis veintisiete "
    "veintiocho veintinueve",
)
ES_TENS = re.findall(r"\S+", "treinta cuarenta cincuenta sesenta setenta ochenta noventa")
PARTS = {
    "en": {"half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8}
    | {"tenth": 10, "twelfth": 12},
    "es": {"medio": 2, "tercio": 3, "cuarto": 4, "quinto": 5, "sexto": 6, "octavo": 8, "decimo": 10},
}


def _spell_numbers(language: str) -> dict[str, int]:
    """Return the words of the numbers to 100, without 1."""
    small, tens, first_ten, joint, digits = (
        (EN_SMALL, EN_TENS, 2, "[ -]", ("one", *EN_SMALL[2:10]))
        if language == "en"
        else (ES_SMALL, ES_TENS, 3, " y ", ("uno", *ES_SMALL[2:10]))
    )
    words = {word: value for value, word in enumerate(small) if word != "-"}
    for ten, word in enumerate(tens, start=first_ten):
        words[word] = ten * 10
        words |= {f"{word}{joint}{digit}": ten * 10 + value for value, digit in enumerate(digits, start=1)}
    return words | ({"(?:one|a) hundred": 100} if language == "en" else {"cien": 100})


@dataclass(frozen=True)
class _Words:
    """A language's words for numbers, fractions and operators."""

    numbers: tuple[tuple[re.Pattern[str], str], ...]
    fraction: re.Pattern[str]
    operators: tuple[tuple[re.Pattern[str], str], ...]


def _between_numbers(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=[\d)]) (?:{words}) (?=[\d(-])")


@lru_cache
def _load_words(language: str) -> _Words:
    numbers = sorted(_spell_numbers(language).items(), key=lambda item: -len(item[0]))
    one = "(?:1|one|a)" if language == "en" else "(?:1|uno?|una)"
    parts = "|".join(PARTS[language])
    if language == "en":
        operators = [("times|multiplied by", "×"), ("divided by", "÷"), ("plus", "+"), ("minus", "-")]
        equals, negative = r"\b(?:is equal to|are equal to|equals|equal to)\b", r"\b(?:negative|minus) (?=\d)"
    else:
        operators = [("por|multiplicado por", "×"), ("entre|dividido entre|dividido por", "÷")]
        operators += [("mas", "+"), ("menos", "-")]
        equals, negative = r"\b(?:es igual a|son iguales a|igual a)\b", r"\b(?:negativo|menos) (?=\d)"
    return _Words(
        numbers=tuple((re.compile(rf"(?<![a-z])(?:{word})(?![a-z])"), str(value)) for word, value in numbers),
        fraction=re.compile(rf"(?<![\w/])(\d+|{one})[ -]({parts})s?\b"),
        operators=(
            *((_between_numbers(words), f" {sign} ") for words, sign in operators),
            (re.compile(equals), "="),
            (re.compile(negative), "-"),
        ),
    )


def normalise(text: str, language: str) -> str:
    """Return a text in plain signs: folded letters, `a/b` for fractions, `×` and `÷`, words of numbers in digits."""
    text = _read_latex(text)
    text = VULGAR_FRACTION.sub(_spell_fraction, text)
    text = SUPERSCRIPTS.sub(lambda signs: f"^{unicodedata.normalize('NFKC', signs[0])}", text)
    text = text.replace("π", " pi ").replace("√", " square root ").replace("—", " ; ").replace("→", " > ")
    text = re.sub("[−–‐‑]", "-", text)
    text = ENUMERATION.sub(" ", text)
    text = "".join(
        character
        for character in unicodedata.normalize("NFKD", text.casefold())
        if not unicodedata.combining(character)
    )
    text = re.sub("[’‘`´]", "'", text).replace("⁄", "/").replace(" '", " ").replace("' ", " ")
    text = re.sub("[ \t]+", " ", text)
    words = _load_words(language)
    for pattern, digits in words.numbers:
        text = pattern.sub(digits, text)
    text = words.fraction.sub(lambda part: _join_fraction(part, language), text)
    for pattern, sign in (*MULTIPLICATION, *words.operators):
        text = pattern.sub(sign, text)
    return text


def _read_latex(text: str) -> str:
    text = LATEX_DOLLARS.sub(r" \1 ", text)
    for pattern, sign in LATEX_SIGNS:
        text = pattern.sub(sign, text)
    # Groups and fractions stand inside each other.
    for _depth in range(3):
        text = LATEX_GROUP.sub(r" \1 ", text)
        text = LATEX_FRACTION.sub(r" \1/\2 ", text)
    return text


def _spell_fraction(found: re.Match[str]) -> str:
    spelled = unicodedata.normalize("NFKC", found["fraction"]).replace("⁄", "/")
    return f"{found['whole']} {spelled}"


def _join_fraction(found: re.Match[str], language: str) -> str:
    count = found[1] if found[1].isdigit() else "1"
    return f"{count}/{PARTS[language][found[2]]}"


# Comma and point: which one is which depends on the language, and in Spanish on the country.
PLAIN_NUMBER = r"\d+(?:\.\d+)?|\.\d+"
NUMBER = {
    "en": rf"\d{{1,3}}(?:[,\u2009\u202f]\d{{3}})+(?![\d,])(?:\.\d+)?|{PLAIN_NUMBER}",
    "es": r"\d{1,3}(?:[.\u2009\u202f]\d{3})+(?:,\d+)?(?!\d)|\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:[.,]\d+)?",
}
# A minus before a digit belongs to the number, unless something to subtract from stands before it.
SIGN = r"(?<![\w)%°])-"
FRACTION = (
    rf"(?:(?P<whole>\d+)\ )?(?<![\d.,/^])(?P<numerator>(?:{SIGN})?\d+)\s*(?P<bar>[/÷])\s*"
    r"(?P<denominator>[1-9]\d*)(?![\d.,]*\d|[/])"
)
POWER_OF_TEN = r"\s?×\s?10\s?\^(?P<exponent>-?\d{1,2})"
WORD_OR_SYMBOL = r"(?P<word>[a-zñ](?:[a-z0-9ñ]|'(?=[a-z]))*)|(?P<symbol>[-+×÷=<>≤≥^:/%])"
TOKEN = {
    language: re.compile(
        rf"{FRACTION}|(?P<dollar>(?:us)?\$\s?)?(?P<sign>{SIGN})?(?P<number>{number})(?:{POWER_OF_TEN})?"
        rf"(?P<unit>{UNIT_PATTERN})?|{WORD_OR_SYMBOL}"
    )
    for language, number in NUMBER.items()
}


def read_number(written: str, language: str) -> frozenset[Fraction]:
    """Return the values that a number may have as it is written in a language."""
    plain = re.sub("[\u2009\u202f]", "", written)
    separators = re.sub(r"\d", "", plain)
    if len(set(separators)) > 1:
        return frozenset({_read_decimal(plain, separators[-1])})
    if not separators:
        return frozenset({Fraction(plain)})
    grouped = re.fullmatch(r"[1-9]\d{0,2}(?:[.,]\d{3})+", plain)
    values = (
        {Fraction(re.sub("[.,]", "", plain))} if grouped and (language == "es" or "," in plain) else set()
    )
    if len(separators) == 1 and (language == "es" or separators == "."):
        values.add(_read_decimal(plain, separators))
    return frozenset(values)


def _read_decimal(plain: str, mark: str) -> Fraction:
    whole, _mark, decimals = plain.rpartition(mark)
    return Fraction(f"{re.sub('[.,]', '', whole) or '0'}.{decimals}")


@lru_cache(maxsize=4096)
def read_tokens(text: str, language: str) -> tuple[Token, ...]:
    """Return the words, numbers, fractions and signs of a text."""
    return tuple(_list_tokens(normalise(text, language), language))


def _list_tokens(plain: str, language: str) -> Iterator[Token]:
    for found in TOKEN[language].finditer(plain):
        if found["numerator"]:
            whole = int(found["whole"] or 0)
            if whole and found["bar"] == "÷":
                yield Number(frozenset({Fraction(whole)}))
                whole = 0
            yield WrittenFraction(whole, int(found["numerator"]), int(found["denominator"]))
        elif found["number"]:
            factor = Fraction(10) ** int(found["exponent"] or 0) * (-1 if found["sign"] else 1)
            values = frozenset(value * factor for value in read_number(found["number"], language))
            yield Number(values, "$" if found["dollar"] else find_unit(found["unit"] or ""))
        else:
            yield (found["word"] or found["symbol"]).replace("/", "÷")


EQUALS = frozenset({"=", "is", "are", "es", "son", "gives", "da", "be"})


def are_equal(wanted: Token, found: Token) -> bool:
    """Return whether a token of a text is what a token of a form asks for."""
    if isinstance(wanted, Number) and isinstance(found, Number):
        return _have_equal_values(wanted, found)
    if wanted == "=":
        return found in EQUALS
    return wanted == found


def _have_equal_values(wanted: Number, found: Number) -> bool:
    if not wanted.unit or not found.unit or wanted.unit == found.unit:
        return bool(wanted.values & found.values)
    (measured, scale), (also_measured, other_scale) = (
        SCALES.get(number.unit, (number.unit, Fraction(1))) for number in (wanted, found)
    )
    if measured != also_measured:
        return False
    return bool({value * scale for value in wanted.values} & {value * other_scale for value in found.values})


def contains(text: str, form: str, language: str) -> bool:
    """Return whether a text contains a form."""
    if form.startswith("`"):
        return form.strip("`") in text
    wanted, tokens = read_tokens(form, language), read_tokens(text, language)
    return bool(wanted) and any(
        _begins_with(tokens[start:], wanted) for start in range(len(tokens) - len(wanted) + 1)
    )


def _begins_with(tokens: Sequence[Token], wanted: Sequence[Token]) -> bool:
    return all(are_equal(one, other) for one, other in zip(wanted, tokens, strict=False))


def contains_any(text: str, forms: Iterable[str], language: str) -> bool:
    return any(contains(text, form, language) for form in forms)


def contains_groups(text: str, groups: Iterable[Sequence[str]], language: str) -> bool:
    """Return whether a text contains a form of each group."""
    return all(contains_any(text, forms, language) for forms in groups)
