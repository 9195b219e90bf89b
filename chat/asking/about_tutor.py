"""Answers questions about the tutor itself truly, with fixed texts of this site, which are in about_tutor.toml.

A model does not know its own name, what it remembers or what it was told, and small ones make something up. Only a
whole message that asks nothing else gets such an answer, after the guard found no danger in it.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils import timezone

from accounts.models import Person
from budgets.models import Plan
from chat.memory.policies import MemoryRules
from chat.method.reading import AboutQuestion, AboutTopic
from chat.model_choice import preview_route
from chat.models import Turn, TurnState
from families.gate import TutorGate
from kit.lazy import load_once
from kit.memory_policy import NOTING_POLICIES, MemoryPolicy

_FILE = Path(__file__).with_name("about_tutor.toml")


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
    texts: Mapping[str, Mapping[str, str]]


def answer_about_tutor(
    turn: Turn,
    asked: AboutQuestion,
    *,
    person: Person,
    gate: TutorGate,
    plan: Plan,
    wants_spanning_notes: bool,
) -> None:
    """Answer a turn about the tutor with a fixed text that is true for its asker now."""
    model = preview_route(person, gate).model
    rules = MemoryRules(
        plan=plan,
        terms=gate.terms,
        wants_spanning_notes=wants_spanning_notes,
        conversation=turn.conversation,
    )
    facts = TutorFacts(
        model=model.model_name if model else "",
        host="" if model is None or model.is_local else model.host,
        prompt_profile=model.prompt_profile if model else "",
        memory_policy=rules.policy,
        has_spanning_notes=rules.has_spanning_notes,
    )
    turn.state, turn.ended_at, turn.language = TurnState.ANSWERED, timezone.now(), asked.language
    turn.answer, turn.site_text = build_about_answer(asked, facts), get_about_version(asked)


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
    return _Texts(version=data["version"], hashes=data["hashes"], texts=data["texts"])
