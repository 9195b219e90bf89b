"""Reads by rules what a message is: its kind, a follow-up in words, an attempt, or about the tutor. Pure.

When in doubt a question is not homework: a hint where a fact was asked for annoys, and the next message can say more.
The rules are in question_cues.toml, follow_up_cues.toml and about_tutor_cues.toml.

An attempt is what the learner made of the task, right or wrong: a step, a result, a guess, a sentence of a draft, or
what they say that they did. It is not: “I don't know”, a request, a question about something else, or the task itself
copied once more. The site cannot know whether someone really tried, and does not have to: a wrong guess is worth a
check, and whoever makes one up has looked at the task.
"""

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from kit.folding import fold
from kit.lazy import load_once

_QUESTION_CUES = Path(__file__).with_name("question_cues.toml")
_FOLLOW_UP_CUES = Path(__file__).with_name("follow_up_cues.toml")
_ABOUT_TUTOR_CUES = Path(__file__).with_name("about_tutor_cues.toml")
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


class FollowUp(StrEnum):
    """What a learner asks for with a button under an answer, or in words that mean the same. The values are stored."""

    NONE = ""
    HINT = "hint"
    CHECK = "check"
    WHOLE = "whole"
    DIFFERENTLY = "differently"
    SIMPLER = "simpler"
    QUIZ = "quiz"


@dataclass(frozen=True)
class _QuestionCues:
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
    cues, text = _load_question_cues(), tidy_question(question)
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
def _load_question_cues() -> _QuestionCues:
    data: dict[str, Any] = tomllib.loads(_QUESTION_CUES.read_text(encoding="utf-8"))

    def read(patterns: list[str]) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{fill_sets(pattern, data['sets'])})" for pattern in patterns))

    return _QuestionCues(
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


_MAX_ABOUT_LENGTH = 120
"""A longer message asks more than what the tutor is."""
_MIN_COPIED_LENGTH = 6
"""A shorter reply may be a result that also stands in the task."""


@dataclass(frozen=True)
class _FollowUpCues:
    follow_ups: tuple[tuple[FollowUp, re.Pattern[str]], ...]
    says: re.Pattern[str]
    asks: re.Pattern[str]
    empty: re.Pattern[str]
    min_words: int


def find_written_follow_up(message: str) -> FollowUp:
    """Return the follow-up that a whole message asks for in words; NONE for most messages."""
    text = tidy_question(message).rstrip(" .!?")
    return next(
        (follow_up for follow_up, pattern in _load_follow_up_cues().follow_ups if pattern.fullmatch(text)),
        FollowUp.NONE,
    )


def says_attempt(message: str) -> bool:
    """Return whether a message says what its writer did or thinks, in any question."""
    return bool(_load_follow_up_cues().says.search(tidy_question(message)))


def starts_like_task(message: str) -> bool:
    """Return whether a message begins as a question or a demand does."""
    return bool(_load_follow_up_cues().asks.match(tidy_question(message)))


def is_attempt(reply: str, *, task: str) -> bool:
    """Return whether a reply to a step of help, or what is sent to be checked, is an attempt at `task`."""
    cues, text = _load_follow_up_cues(), tidy_question(reply)
    bare = text.rstrip(" .!?")
    is_copied = len(bare) >= _MIN_COPIED_LENGTH and bare in tidy_question(task)
    if not bare or is_copied or cues.empty.fullmatch(bare) or find_written_follow_up(reply):
        return False
    if cues.says.search(text):
        return True
    if cues.asks.match(text):
        return False
    return any(map(str.isdigit, bare)) or "=" in bare or len(bare.split()) >= cues.min_words


@load_once
def _load_follow_up_cues() -> _FollowUpCues:
    data: dict[str, Any] = tomllib.loads(_FOLLOW_UP_CUES.read_text(encoding="utf-8"))

    def read_whole(patterns: list[str]) -> re.Pattern[str]:
        return re.compile(f"{data['lead_in']}(?:{'|'.join(patterns)}){data['lead_out']}")

    attempt = data["attempt"]
    return _FollowUpCues(
        follow_ups=tuple((FollowUp(name), read_whole(cues)) for name, cues in data["follow_ups"].items()),
        says=re.compile("|".join(f"(?:{pattern})" for pattern in attempt["says"])),
        asks=re.compile(attempt["asks"]),
        empty=re.compile(attempt["empty"]),
        min_words=attempt["min_words"],
    )


# --- Questions about the tutor itself ---


class AboutTopic(StrEnum):
    INSTRUCTIONS = "instructions"
    PERSON = "person"
    MODEL = "model"
    MEMORY = "memory"


@dataclass(frozen=True)
class AboutQuestion:
    """What someone asks about the tutor, and in which language."""

    topic: AboutTopic
    language: str


def find_about_question(question: str) -> AboutQuestion | None:
    """Return what a message asks about the tutor, if it asks nothing else; or None."""
    if len(question) > _MAX_ABOUT_LENGTH:
        return None
    text = tidy_question(question).rstrip(" .!?")
    return next((about for about, pattern in _load_about_cues() if pattern.fullmatch(text)), None)


@load_once
def _load_about_cues() -> tuple[tuple[AboutQuestion, re.Pattern[str]], ...]:
    data: dict[str, Any] = tomllib.loads(_ABOUT_TUTOR_CUES.read_text(encoding="utf-8"))
    cues = []
    for topic in AboutTopic:
        for language, patterns in data["asks"][topic].items():
            any_of = "|".join(f"(?:{pattern})" for pattern in patterns)
            whole = f"{data['lead_in'][language]}(?:{any_of}){data['lead_out'][language]}"
            cues.append((AboutQuestion(topic, language), re.compile(whole)))
    return tuple(cues)
