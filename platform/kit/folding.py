"""One plain spelling for every way of writing the same letters.

Every character is folded by itself, so a text may be folded in pieces: `join(fold(a), fold(b))` is `fold(a + b)`.
"""

import re
import unicodedata
from dataclasses import dataclass

MAX_RUN = 3
"""A letter or sign that is repeated more often than this says no more than this."""

_PLAIN = re.compile(r"[\t\n\r -^a-~]*")
_RUN = re.compile(rf"(.)\1{{{MAX_RUN},}}", re.DOTALL)
_CACHED_CHARACTERS = 8192
_LINE_ENDS = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Mc", "Me", "Mn"}


def _alike(letters: str, looks: str) -> dict[str, str]:
    return dict(zip(letters, looks, strict=True))


_LOOKS_LIKE = (
    _alike("авеёєкмнорстухѕіјһԁԛԝѵґӏ", "abeeekmhopctyxsijhdqwvrl")
    | _alike("αβγεηικνορστυχω", "abyenikvopotuxw")
    | _alike("ꓐꓑꓓꓖꓗꓙꓚꓜꓝꓟꓠꓡꓢꓣꓔꓦꓧꓪꓫꓬꓮꓰꓲꓳꓴ", "bpdgkjczfmnlsrtvhwxyaeiou")
    | _alike("ᎠᎡᎢᎪᎫᎬᎳᎷᎻᎽᏀᏃᏒᏔᏙᏚᏞᏟᏢᏦᏴ", "drtajewmhygzrwvslcpkb")
    | _alike("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz")
    | _alike("ıȷøłđħɑɡɩʋօսոհǀɭყ", "ijoldhagivouuhlly")
    | {chr(first + n): chr(ord("a") + n) for first in (0x1F150, 0x1F170, 0x1F1E6) for n in range(26)}
    | dict.fromkeys("’‘‛`´ʼʹ′＇", "'")
    | {"。": ".", "¿": "?", "¡": "!"}
    | dict.fromkeys("_\u2800\u3164\u115f\u1160\uffa0", " ")
)


@dataclass(frozen=True, slots=True)
class FoldedText:
    """Folded text, and for every place in it the offset in the original: `at[len(text)]` is the original's end."""

    text: str
    at: range | list[int]


def _fold_character(character: str) -> str:
    """Lower-case Latin without marks where there is such a reading; "" for what nobody sees."""
    if character in _LOOKS_LIKE:
        return _LOOKS_LIKE[character]
    if character.isspace():
        return character if character in "\t\r\n" else "\n" if character in _LINE_ENDS else " "
    spelled = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    return "".join(_fold_part(part) for part in spelled)


def _fold_part(part: str) -> str:
    if part in _LOOKS_LIKE:
        return _LOOKS_LIKE[part]
    category = unicodedata.category(part)
    if category in _UNSEEN:
        return ""
    # Scripts without upper and lower case cannot be mistaken for Latin, and many write no spaces between words.
    return " " if category in {"Lo", "Zs"} else part


class _Folds(dict[str, str]):
    """Each character's folding, remembered for as many characters as people use."""

    def __missing__(self, character: str) -> str:
        folded = _fold_character(character)
        if len(self) < _CACHED_CHARACTERS:
            self[character] = folded
        return folded


_folds = _Folds()


def fold(text: str, *, offset: int = 0) -> FoldedText:
    """Fold `text`: compatibility forms, case, marks, unseen characters, look-alikes, long runs.

    `offset` is where `text` begins in the original. Takes time in proportion to the text's length.
    """
    if _PLAIN.fullmatch(text):
        return _shorten_runs(text.lower(), range(offset, offset + len(text) + 1))
    letters: list[str] = []
    at: list[int] = []
    for place, character in enumerate(text, offset):
        folded = _folds[character]
        if folded:
            letters.append(folded)
            at.extend([place] * len(folded))
    at.append(offset + len(text))
    return _shorten_runs("".join(letters), at)


def join_folded(first: FoldedText, second: FoldedText) -> FoldedText:
    """Two neighbouring pieces as one."""
    return _shorten_runs(first.text + second.text, [*first.at[:-1], *second.at])


def slice_folded(folded: FoldedText, place: int) -> FoldedText:
    """The piece that begins at `place`."""
    return FoldedText(folded.text[place:], folded.at[place:])


def _shorten_runs(text: str, at: range | list[int]) -> FoldedText:
    if not _RUN.search(text):
        return FoldedText(text, at)
    kept, places, done = [], list[int](), 0
    for run in _RUN.finditer(text):
        end = run.start() + MAX_RUN
        kept.append(text[done:end])
        places.extend(at[done:end])
        done = run.end()
    kept.append(text[done:])
    places.extend(at[done:])
    return FoldedText("".join(kept), places)
