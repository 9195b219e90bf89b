"""Folds the many ways of writing the same letters into one plain spelling.

Each character is folded by itself, so text can be folded in pieces: `join_folded(fold(a), fold(b, offset=len(a)))`
equals `fold(a + b)`.
"""

import re
import unicodedata
from dataclasses import dataclass

MAX_RUN = 3
"""Longer runs of one character are shortened to this length."""

_PLAIN = re.compile(r"[\t\n\r -^a-~]*")
_RUN = re.compile(rf"(.)\1{{{MAX_RUN},}}", re.DOTALL)
_CACHED_CHARACTERS = 8192
_LINE_ENDS = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_INVISIBLE_CATEGORIES = {"Cc", "Cf", "Cn", "Co", "Cs", "Mc", "Me", "Mn"}


def _map_look_alikes(letters: str, looks: str) -> dict[str, str]:
    return dict(zip(letters, looks, strict=True))


_LOOKS_LIKE = (
    _map_look_alikes("авеёєкмнорстухѕіјһԁԛԝѵґӏ", "abeeekmhopctyxsijhdqwvrl")
    | _map_look_alikes("αβγεηικνορστυχω", "abyenikvopotuxw")
    | _map_look_alikes("ꓐꓑꓓꓖꓗꓙꓚꓜꓝꓟꓠꓡꓢꓣꓔꓦꓧꓪꓫꓬꓮꓰꓲꓳꓴ", "bpdgkjczfmnlsrtvhwxyaeiou")
    | _map_look_alikes("ᎠᎡᎢᎪᎫᎬᎳᎷᎻᎽᏀᏃᏒᏔᏙᏚᏞᏟᏢᏦᏴ", "drtajewmhygzrwvslcpkb")
    | _map_look_alikes("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz")
    | _map_look_alikes("ıȷøłđħɑɡɩʋօսոհǀɭყ", "ijoldhagivouuhlly")
    | {chr(first + n): chr(ord("a") + n) for first in (0x1F150, 0x1F170, 0x1F1E6) for n in range(26)}
    | dict.fromkeys("’‘‛`´ʼʹ′＇", "'")
    | {"。": ".", "¿": "?", "¡": "!"}
    | dict.fromkeys("_\u2800\u3164\u115f\u1160\uffa0", " ")
)


@dataclass(frozen=True, slots=True)
class FoldedText:
    """Folded text with, for each index, the offset in the original; `offsets[len(text)]` is the end of the original."""

    text: str
    offsets: range | list[int]


def _fold_character(character: str) -> str:
    """Return lower-case Latin without marks where a character has such a form, "" for an invisible one."""
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
    if category in _INVISIBLE_CATEGORIES:
        return ""
    # Scripts without case cannot be mistaken for Latin, and many have no spaces between words.
    return " " if category in {"Lo", "Zs"} else part


class _Folds(dict[str, str]):
    """A cache of foldings by character, up to a fixed size."""

    def __missing__(self, character: str) -> str:
        folded = _fold_character(character)
        if len(self) < _CACHED_CHARACTERS:
            self[character] = folded
        return folded


_folds = _Folds()


def fold(text: str, *, offset: int = 0) -> FoldedText:
    """Fold compatibility forms, case, marks, invisible characters, look-alikes and long runs.

    `offset` is where `text` begins in the original. Runs in linear time.
    """
    if _PLAIN.fullmatch(text):
        return shorten_runs(text.lower(), range(offset, offset + len(text) + 1))
    letters: list[str] = []
    offsets: list[int] = []
    for position, character in enumerate(text, offset):
        folded = _folds[character]
        if folded:
            letters.append(folded)
            offsets.extend([position] * len(folded))
    offsets.append(offset + len(text))
    return shorten_runs("".join(letters), offsets)


def join_folded(first: FoldedText, second: FoldedText) -> FoldedText:
    """Join two adjacent pieces."""
    if not first.text:
        return second
    text, offsets = first.text + second.text, _join_offsets(first.offsets, second.offsets)
    # A run can be too long only where the pieces meet.
    return shorten_runs(text, offsets) if first.text[-1] == second.text[:1] else FoldedText(text, offsets)


def _join_offsets(first: range | list[int], second: range | list[int]) -> range | list[int]:
    if isinstance(first, range) and isinstance(second, range) and first[-1] == second[0]:
        return range(first[0], second[-1] + 1)
    return [*first[:-1], *second]


def slice_folded(folded: FoldedText, position: int) -> FoldedText:
    """Return the part from index `position` of the folded text to its end."""
    return FoldedText(folded.text[position:], folded.offsets[position:])


def shorten_runs(text: str, offsets: range | list[int]) -> FoldedText:
    """Return the text with MAX_RUN characters of each longer run."""
    if not _RUN.search(text):
        return FoldedText(text, offsets)
    kept, kept_offsets, done = [], list[int](), 0
    for run in _RUN.finditer(text):
        end = run.start() + MAX_RUN
        kept.append(text[done:end])
        kept_offsets.extend(offsets[done:end])
        done = run.end()
    kept.append(text[done:])
    kept_offsets.extend(offsets[done:])
    return FoldedText("".join(kept), kept_offsets)
