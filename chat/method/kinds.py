"""Decides by rules what kind of question someone asks. Pure; the rules are in question_cues.toml.

When in doubt a question is not homework: a hint where a fact was asked for annoys, and the next message can say more.
"""

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from kit.folding import fold
from kit.lazy import load_once

_CUES = Path(__file__).with_name("question_cues.toml")
_MAX_READ_LENGTH = 300
"""Of a longer text this much is read from its start, and as much from its end, where homework often asks."""


class QuestionKind(StrEnum):
    """What a question is to the tutor. The values are stored."""

    # A task whose answer the learner is to work out: it starts a ladder.
    HOMEWORK = "homework"
    # A fact, a definition, feedback on one's own text, an error in code: answered at once.
    DIRECT = "direct"
    # Talk, and what only makes sense after what came before.
    OTHER = "other"


@dataclass(frozen=True)
class _Cues:
    talk: re.Pattern[str]
    about_you: re.Pattern[str]
    code: re.Pattern[str]
    own_text: re.Pattern[str]
    how_to: re.Pattern[str]
    homework: re.Pattern[str]
    direct: re.Pattern[str]
    defines: re.Pattern[str]
    min_words: int


def find_question_kind(question: str) -> QuestionKind:
    """Return the kind of a question in English or Spanish, by its own words alone."""
    cues, text = _load_cues(), tidy_question(question)
    words = text.split()
    if not words or cues.talk.fullmatch(text.rstrip(" .!?")) or cues.about_you.search(text):
        return QuestionKind.OTHER
    if cues.code.search(text) or cues.own_text.search(text):
        return QuestionKind.DIRECT
    if cues.how_to.match(text) and not any(character.isdigit() or character == "=" for character in text):
        return QuestionKind.DIRECT
    if cues.homework.search(text):
        return QuestionKind.HOMEWORK
    is_asked = (cues.direct.match(text) and len(words) >= cues.min_words) or cues.defines.match(text)
    return QuestionKind.DIRECT if is_asked else QuestionKind.OTHER


def tidy_question(question: str) -> str:
    """Return a question on one line as the rules read it: folded, and a long one without its middle."""
    if len(question) > 2 * _MAX_READ_LENGTH:
        question = f"{question[:_MAX_READ_LENGTH]} {question[-_MAX_READ_LENGTH:]}"
    # Folded, "¿" and "¡" are question and exclamation marks.
    return " ".join(fold(question).text.split()).lstrip(" ?!")


def fill_sets(pattern: str, sets: dict[str, str]) -> str:
    """Replace the names of sets by their patterns. Sets may contain those before them."""
    for name in reversed(sets):
        pattern = pattern.replace(f"<{name}>", sets[name])
    return pattern


@load_once
def _load_cues() -> _Cues:
    data: dict[str, Any] = tomllib.loads(_CUES.read_text(encoding="utf-8"))

    def read(patterns: list[str]) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{fill_sets(pattern, data['sets'])})" for pattern in patterns))

    return _Cues(
        talk=read(data["talk"]["whole"]),
        about_you=read(data["talk"]["about_you"]),
        code=read(data["code"]["cues"]),
        own_text=read(data["own_text"]["cues"]),
        how_to=read([data["how_to"]["begins"]]),
        homework=read(data["homework"]["cues"]),
        direct=read([data["direct"]["begins"]]),
        defines=read([data["direct"]["defines"]]),
        min_words=data["direct"]["min_words"],
    )
