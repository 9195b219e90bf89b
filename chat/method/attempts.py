"""Reads what a learner writes in an open piece of homework: a follow-up in words, an attempt, or neither. Pure.

An attempt is what the learner made of the task, right or wrong: a step, a result, a guess, a sentence of a draft, or
what they say that they did. It is not: “I don't know”, a request, a question about something else, or the task itself
copied once more. The site cannot know whether someone really tried, and does not have to: a wrong guess is worth a
check, and whoever makes one up has looked at the task.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chat.method.kinds import tidy_question
from chat.method.ladder import FollowUp
from kit.lazy import load_once

_CUES = Path(__file__).with_name("follow_up_cues.toml")

_MIN_COPIED_LENGTH = 6
"""A shorter reply may be a result that also stands in the task."""


@dataclass(frozen=True)
class _Cues:
    follow_ups: tuple[tuple[FollowUp, re.Pattern[str]], ...]
    says: re.Pattern[str]
    asks: re.Pattern[str]
    empty: re.Pattern[str]
    min_words: int


def find_written_follow_up(message: str) -> FollowUp:
    """Return the follow-up that a whole message asks for in words; NONE for most messages."""
    text = tidy_question(message).rstrip(" .!?")
    return next(
        (follow_up for follow_up, pattern in _load().follow_ups if pattern.fullmatch(text)), FollowUp.NONE
    )


def says_attempt(message: str) -> bool:
    """Return whether a message says what its writer did or thinks, in any question."""
    return bool(_load().says.search(tidy_question(message)))


def starts_like_task(message: str) -> bool:
    """Return whether a message begins as a question or a demand does."""
    return bool(_load().asks.match(tidy_question(message)))


def is_attempt(reply: str, *, task: str) -> bool:
    """Return whether a reply to a step of help, or what is sent to be checked, is an attempt at `task`."""
    cues, text = _load(), tidy_question(reply)
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
def _load() -> _Cues:
    data: dict[str, Any] = tomllib.loads(_CUES.read_text(encoding="utf-8"))

    def read_whole(patterns: list[str]) -> re.Pattern[str]:
        return re.compile(f"{data['lead_in']}(?:{'|'.join(patterns)}){data['lead_out']}")

    attempt = data["attempt"]
    return _Cues(
        follow_ups=tuple((FollowUp(name), read_whole(cues)) for name, cues in data["follow_ups"].items()),
        says=re.compile("|".join(f"(?:{pattern})" for pattern in attempt["says"])),
        asks=re.compile(attempt["asks"]),
        empty=re.compile(attempt["empty"]),
        min_words=attempt["min_words"],
    )
