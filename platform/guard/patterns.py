"""The pattern language of rules. docs/safety.md explains it to reviewers.

want to die         these words in this order, in any spelling
(die|kill myself)   one of these
[really]            optional
<up to 3>           up to three other words
#                   a number
{want}              the set "want" in the file's [sets]
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from kit.folding import fold

_SIGN = re.compile(
    r"\s*(?:(?P<gap><up to (\d)>)|(?P<set>\{(\w+)\})|(?P<mark>[()\[\]|])|(?P<word>[^\s()\[\]|{}<>]+))"
)
_WORD = re.compile(r"[^\W\d_][^\W_]*|#")


class PatternError(ValueError):
    """An invalid phrase. The message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Literal:
    word: str


@dataclass(frozen=True, slots=True)
class Gap:
    most: int


@dataclass(frozen=True, slots=True)
class OneOf:
    options: "tuple[Sequence, ...]"


type Sequence = tuple[Literal | Gap | OneOf, ...]


def parse_phrase(phrase: str, sets: Mapping[str, Sequence]) -> Sequence:
    """Parse one phrase. Raises PatternError, which quotes it."""
    tokens = _Tokens(phrase)
    options = _parse_options(tokens, sets)
    if tokens.peek():
        raise PatternError(f"“{phrase}” has a “{tokens.peek()}” that nothing opened")
    return options[0] if len(options) == 1 else (OneOf(options),)


def list_words(sequence: Sequence) -> Iterator[str]:
    """Yield every word in a sequence."""
    for item in sequence:
        if isinstance(item, Literal):
            yield item.word
        elif isinstance(item, OneOf):
            for option in item.options:
                yield from list_words(option)


def count_words(sequence: Sequence) -> tuple[int, int]:
    """Return the lengths in words of the shortest and the longest text that matches."""
    fewest, most = zip((0, 0), *map(_count_item_words, sequence), strict=True)
    return sum(fewest), sum(most)


def _count_item_words(item: Literal | Gap | OneOf) -> tuple[int, int]:
    match item:
        case Literal():
            return 1, 1
        case Gap():
            return 0, item.most
        case OneOf():
            fewest, most = zip(*map(count_words, item.options), strict=True)
            return min(fewest), max(most)


class _Tokens:
    """The tokens of a phrase."""

    def __init__(self, phrase: str) -> None:
        self.phrase = phrase
        self._found: list[tuple[str, str]] = []
        position = 0
        phrase = phrase.strip()
        while position < len(phrase):
            match = _SIGN.match(phrase, position)
            if not match:
                raise PatternError(f"“{phrase}” cannot be read from “{phrase[position:]}” on")
            position = match.end()
            self._found.append((match.lastgroup or "", match[match.lastgroup or 0]))
        self._found.reverse()

    def peek(self) -> str:
        return self._found[-1][1] if self._found else ""

    def take(self) -> tuple[str, str]:
        """Remove and return the next token. Raises PatternError at the end of the phrase."""
        if not self._found:
            raise PatternError(f"“{self.phrase}” ends too soon")
        return self._found.pop()


def _parse_options(tokens: _Tokens, sets: Mapping[str, Sequence]) -> tuple[Sequence, ...]:
    options = [_parse_sequence(tokens, sets)]
    while tokens.peek() == "|":
        tokens.take()
        options.append(_parse_sequence(tokens, sets))
    if not all(options):
        raise PatternError(f"“{tokens.phrase}” has an empty choice")
    return tuple(options)


def _parse_sequence(tokens: _Tokens, sets: Mapping[str, Sequence]) -> Sequence:
    items: list[Literal | Gap | OneOf] = []
    while tokens.peek() not in {"", "|", ")", "]"}:
        kind, sign = tokens.take()
        match kind:
            case "gap":
                items.append(Gap(int(sign.removeprefix("<up to ").removesuffix(">"))))
            case "set":
                items.append(OneOf((_get_set(sign.strip("{}"), sets, tokens.phrase),)))
            case "mark":
                items.append(_parse_bracket(sign, tokens, sets))
            case _:
                items.append(_parse_literal(sign, tokens.phrase))
    return tuple(items)


def _parse_bracket(opening: str, tokens: _Tokens, sets: Mapping[str, Sequence]) -> OneOf:
    options = _parse_options(tokens, sets)
    closing = tokens.take()[1]
    if closing != {"(": ")", "[": "]"}[opening]:
        raise PatternError(f"“{tokens.phrase}” closes “{opening}” with “{closing}”")
    return OneOf((*options, ()) if opening == "[" else options)


def _get_set(name: str, sets: Mapping[str, Sequence], phrase: str) -> Sequence:
    if name not in sets:
        raise PatternError(f"“{phrase}” uses the set “{name}”, which is not there")
    return sets[name]


def _parse_literal(sign: str, phrase: str) -> Literal:
    word = normalize_word(sign)
    if not _WORD.fullmatch(word):
        raise PatternError(f"“{phrase}” has “{sign}”, which is not one word")
    return Literal(word)


@cache
def normalize_word(word: str) -> str:
    """Fold a rule's word in the way that texts are folded."""
    return fold(word).text.replace("'", "")
