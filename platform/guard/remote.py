"""Builds requests to remote guards and parses their replies: OpenAI's moderation, Llama Guard, Qwen3Guard.

Does no I/O, like the rest of this room: inference.remote_guard sends the requests. A remote guard's verdict is one more
layer, and the most careful verdict wins (guard.merge_verdicts).
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from guard.verdict import Category, Level, Verdict

# Messages, oldest first; `role` is "user" or "assistant". The last one is judged.
type GuardMessages = Sequence[Mapping[str, object]]


class UnreadableReply(Exception):
    """A guard's reply does not have the documented format."""


@dataclass(frozen=True, slots=True)
class GuardRequest:
    """A request: a path below the API's base URL, and a JSON body."""

    path: str
    body: dict[str, Any]


class RemoteGuard(Protocol):
    """One type of remote guard."""

    name: str

    def build_request(self, messages: GuardMessages, *, model: str) -> GuardRequest:
        """Build the request that has the last message judged."""

    def parse_reply(self, reply: Mapping[str, Any]) -> Verdict:
        """Parse a reply. Raises UnreadableReply."""


# Scores below this are ignored.
MIN_SCORE = 0.5

type Meaning = tuple[Level, frozenset[Category]]


def _build_meaning(level: Level, *categories: Category) -> Meaning:
    return level, frozenset(categories)


NOTHING = _build_meaning(Level.NONE)
STATED_HARM = _build_meaning(Level.STATED, Category.SELF_HARM)
# Categories that are irrelevant here: elections, copyright.
IGNORED = _build_meaning(Level.NONE)
# Not a card: general-purpose guards flag much that is not abuse. A check-in asks the teen instead.
ASK_ABOUT_ABUSE = _build_meaning(Level.HINTS, Category.EXPLOITATION, Category.SEXUAL)


class OpenAIModeration:
    """`POST /moderations`, as documented for omni-moderation-latest."""

    name = "openai"
    MEANINGS: Mapping[str, Meaning] = {
        "self-harm/intent": STATED_HARM,
        "self-harm/instructions": _build_meaning(Level.STATED, Category.SELF_HARM, Category.METHOD),
        "self-harm": _build_meaning(Level.HINTS, Category.SELF_HARM),
        "sexual/minors": ASK_ABOUT_ABUSE,
        "sexual": _build_meaning(Level.NONE, Category.SEXUAL),
        "hate": _build_meaning(Level.NONE, Category.HATE),
        "hate/threatening": _build_meaning(Level.NONE, Category.HATE, Category.VIOLENCE),
        "harassment/threatening": _build_meaning(Level.NONE, Category.VIOLENCE),
        "illicit": _build_meaning(Level.NONE, Category.CRIME),
        "illicit/violent": _build_meaning(Level.NONE, Category.CRIME, Category.VIOLENCE),
    }

    def build_request(self, messages: GuardMessages, *, model: str) -> GuardRequest:
        return GuardRequest("/moderations", {"model": model, "input": messages[-1]["content"]})

    def parse_reply(self, reply: Mapping[str, Any]) -> Verdict:
        """Return the verdict of a reply. Raises UnreadableReply."""
        try:
            [result] = reply["results"]
            flagged = {name for name, is_so in result["categories"].items() if is_so}
            scores = {name: float(result["category_scores"][name]) for name in flagged}
            is_flagged = result.get("flagged", False)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UnreadableReply from error
        if is_flagged and not flagged:
            raise UnreadableReply
        # Signs of danger count as soon as they are flagged, regardless of the score.
        sure = {
            name: score
            for name, score in scores.items()
            if score >= MIN_SCORE or self.MEANINGS.get(name, NOTHING)[0] > Level.NONE
        }
        return _build_verdict(
            self.name,
            [self.MEANINGS[name] for name in sure if name in self.MEANINGS],
            confidence=max(sure.values(), default=1.0),
        )


class LlamaGuard:
    """A chat completion that says `safe`, or `unsafe` and a line of codes (Llama Guard 3 and 4)."""

    name = "llama"
    MEANINGS: Mapping[str, Meaning] = {
        "S1": _build_meaning(Level.NONE, Category.VIOLENCE),
        "S2": _build_meaning(Level.NONE, Category.CRIME),
        "S3": _build_meaning(Level.NONE, Category.SEXUAL, Category.CRIME),
        "S4": ASK_ABOUT_ABUSE,
        "S5": IGNORED,
        "S6": IGNORED,
        "S7": IGNORED,
        "S8": IGNORED,
        "S9": _build_meaning(Level.NONE, Category.VIOLENCE),
        "S10": _build_meaning(Level.NONE, Category.HATE),
        "S11": STATED_HARM,
        "S12": _build_meaning(Level.NONE, Category.SEXUAL),
        "S13": IGNORED,
        "S14": _build_meaning(Level.NONE, Category.CRIME),
    }

    def build_request(self, messages: GuardMessages, *, model: str) -> GuardRequest:
        return _build_completion_request(messages, model, longest=20)

    def parse_reply(self, reply: Mapping[str, Any]) -> Verdict:
        """Return the verdict of a reply. Raises UnreadableReply."""
        first, _, codes = _get_content(reply).partition("\n")
        if first not in {"safe", "unsafe"}:
            raise UnreadableReply
        if first == "safe":
            return Verdict(layer=self.name)
        categories = [self.MEANINGS[code] for code in re.findall(r"S\d+", codes) if code in self.MEANINGS]
        if not categories:
            raise UnreadableReply
        return _build_verdict(self.name, categories, confidence=_get_first_token_probability(reply))


class Qwen3Guard:
    """A chat completion that says `Safety: Safe|Controversial|Unsafe` and `Categories: …` (Qwen3Guard-Gen)."""

    name = "qwen"
    MEANINGS: Mapping[str, Meaning] = {
        "Violent": _build_meaning(Level.NONE, Category.VIOLENCE),
        "Non-violent Illegal Acts": _build_meaning(Level.NONE, Category.CRIME),
        "Sexual Content or Sexual Acts": _build_meaning(Level.NONE, Category.SEXUAL),
        "Suicide & Self-Harm": STATED_HARM,
        "Jailbreak": _build_meaning(Level.NONE, Category.INJECTION),
        "PII": IGNORED,
        "Unethical Acts": IGNORED,
        "Politically Sensitive Topics": IGNORED,
        "Copyright Violation": IGNORED,
    }

    def build_request(self, messages: GuardMessages, *, model: str) -> GuardRequest:
        return _build_completion_request(messages, model, longest=60)

    def parse_reply(self, reply: Mapping[str, Any]) -> Verdict:
        """Return the verdict of a reply. Raises UnreadableReply."""
        content = _get_content(reply)
        safety = re.search(r"Safety: *(Safe|Controversial|Unsafe)\b", content)
        if not safety:
            raise UnreadableReply
        categories_line = re.search(r"Categories: *(.*)", content)
        names = [name for name in self.MEANINGS if categories_line and name in categories_line[1]]
        if safety[1] == "Unsafe" and not names:
            raise UnreadableReply
        if safety[1] == "Unsafe":
            return _build_verdict(self.name, [self.MEANINGS[name] for name in names])
        # "Controversial" is no reason to refuse, but a hint of despair leads to a check-in.
        if safety[1] == "Controversial" and "Suicide & Self-Harm" in names:
            return _build_verdict(self.name, [_build_meaning(Level.HINTS, Category.SELF_HARM)])
        return Verdict(layer=self.name)


GUARDS: Mapping[str, RemoteGuard] = {
    guard.name: guard for guard in (OpenAIModeration(), LlamaGuard(), Qwen3Guard())
}


def _build_completion_request(messages: GuardMessages, model: str, *, longest: int) -> GuardRequest:
    messages = [{"role": message["role"], "content": message["content"]} for message in messages]
    body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": longest, "logprobs": True}
    return GuardRequest("/chat/completions", body)


def _get_content(reply: Mapping[str, Any]) -> str:
    try:
        content = reply["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError) as error:
        raise UnreadableReply from error
    if not isinstance(content, str):
        raise UnreadableReply
    return content.strip()


def _get_first_token_probability(reply: Mapping[str, Any]) -> float:
    """Return the probability of the reply's first token, if the server reports it."""
    try:
        return math.exp(reply["choices"][0]["logprobs"]["content"][0]["logprob"])
    except (KeyError, IndexError, TypeError, OverflowError):
        return 1.0


def _build_verdict(layer: str, meanings: Sequence[Meaning], confidence: float = 1.0) -> Verdict:
    level = max((level for level, _ in meanings), default=Level.NONE)
    categories = frozenset[Category]().union(*(categories for _, categories in meanings))
    return Verdict(level, categories, confidence=confidence, layer=layer)
