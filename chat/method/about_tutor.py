"""Answers questions about the tutor itself truly, with fixed texts of this site. Pure; about_tutor.toml has the texts.

A model does not know its own name, what it remembers or what it was told, and small ones make something up. Only a
whole message that asks nothing else gets such an answer, after the guard found no danger in it.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from chat.method.reading import tidy_question
from kit.lazy import load_once
from kit.memory_policy import NOTING_POLICIES, MemoryPolicy

_FILE = Path(__file__).with_name("about_tutor.toml")
_MAX_LENGTH = 120


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


@dataclass(frozen=True, kw_only=True)
class TutorFacts:
    """What is true of the tutor for this asker now."""

    # "" if no model may answer.
    model: str
    # Where the model runs, if that is not this site.
    host: str
    prompt_profile: str
    memory_policy: MemoryPolicy
    has_spanning_notes: bool


@dataclass(frozen=True)
class _Texts:
    version: int
    hashes: Mapping[str, str]
    asks: tuple[tuple[AboutQuestion, re.Pattern[str]], ...]
    texts: Mapping[str, Mapping[str, str]]


def find_about_question(question: str) -> AboutQuestion | None:
    """Return what a message asks about the tutor, if it asks nothing else; or None."""
    if len(question) > _MAX_LENGTH:
        return None
    text = tidy_question(question).rstrip(" .!?")
    return next((about for about, pattern in _load().asks if pattern.fullmatch(text)), None)


def build_about_answer(question: AboutQuestion, facts: TutorFacts) -> str:
    """Return the answer, in the language of the question."""
    text = _load().texts[question.language][_choose_text(question.topic, facts)].strip()
    return text.replace("{model}", facts.model).replace("{host}", facts.host)


def get_about_version(question: AboutQuestion) -> str:
    """Return which text answers a question, and in which version, as it is stored with the turn."""
    return f"{question.topic} {_load().version}"


def get_told_hashes() -> Mapping[str, str]:
    """Return the hash of the instructions that the texts tell, by prompt profile."""
    return _load().hashes


def _choose_text(topic: AboutTopic, facts: TutorFacts) -> str:
    match topic:
        case AboutTopic.INSTRUCTIONS:
            return "instructions_small" if facts.prompt_profile == "small" else "instructions"
        case AboutTopic.PERSON:
            return "person"
        case AboutTopic.MODEL if not facts.model:
            return "model_none"
        case AboutTopic.MODEL:
            return "model_outside" if facts.host else "model_local"
        case AboutTopic.MEMORY if facts.memory_policy is MemoryPolicy.NONE:
            return "memory_none"
        case AboutTopic.MEMORY:
            has_spanning = facts.has_spanning_notes and facts.memory_policy in NOTING_POLICIES
            return "memory_spanning" if has_spanning else "memory_conversation"


@load_once
def _load() -> _Texts:
    data: dict[str, Any] = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    asks = []
    for topic in AboutTopic:
        for language, patterns in data["asks"][topic].items():
            any_of = "|".join(f"(?:{pattern})" for pattern in patterns)
            whole = f"{data['lead_in'][language]}(?:{any_of}){data['lead_out'][language]}"
            asks.append((AboutQuestion(topic, language), re.compile(whole)))
    return _Texts(version=data["version"], hashes=data["hashes"], asks=tuple(asks), texts=data["texts"])
