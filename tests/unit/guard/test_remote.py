"""Requests to the three kinds of remote guard, and the meaning of their replies."""

from typing import Any

import pytest

from guard import Category, Level
from guard.remote import GUARDS, UnreadableReply

SAID = [
    {"role": "user", "content": "Why is the sky blue?"},
    {"role": "assistant", "content": "Light scatters."},
]


def moderation(**scores: float) -> dict[str, Any]:
    named = {name.replace("__", "-").replace("_", "/"): score for name, score in scores.items()}
    categories = {name: score > 0.3 for name, score in named.items()}
    return {
        "results": [{"flagged": any(categories.values()), "categories": categories, "category_scores": named}]
    }


def completion(content: object, logprob: float | None = None) -> dict[str, Any]:
    choice: dict[str, Any] = {"message": {"content": content}}
    if logprob is not None:
        choice["logprobs"] = {"content": [{"token": "safe", "logprob": logprob}]}
    return {"choices": [choice]}


@pytest.mark.parametrize(
    ("kind", "reply", "level", "categories"),
    [
        ("openai", moderation(self__harm_intent=0.01), Level.NONE, set()),
        ("openai", moderation(self__harm_intent=0.9), Level.STATED, {Category.SELF_HARM}),
        ("openai", moderation(self__harm=0.8), Level.HINTS, {Category.SELF_HARM}),
        ("openai", moderation(self__harm_intent=0.4), Level.STATED, {Category.SELF_HARM}),
        ("openai", moderation(sexual=0.4), Level.NONE, set()),
        ("openai", moderation(sexual=0.9, hate=0.7), Level.NONE, {Category.SEXUAL, Category.HATE}),
        ("openai", moderation(something__new=0.9), Level.NONE, set()),
        ("llama", completion("safe", -0.01), Level.NONE, set()),
        ("llama", completion("\n\nunsafe\nS11"), Level.STATED, {Category.SELF_HARM}),
        ("llama", completion("unsafe\nS2,S10"), Level.NONE, {Category.CRIME, Category.HATE}),
        ("llama", completion("unsafe\nS8"), Level.NONE, set()),
        ("qwen", completion("Safety: Safe\nCategories: None"), Level.NONE, set()),
        (
            "qwen",
            completion("Safety: Unsafe\nCategories: Suicide & Self-Harm"),
            Level.STATED,
            {Category.SELF_HARM},
        ),
        (
            "qwen",
            completion("Safety: Controversial\nCategories: Suicide & Self-Harm"),
            Level.HINTS,
            {Category.SELF_HARM},
        ),
        ("qwen", completion("Safety: Controversial\nCategories: Violent"), Level.NONE, set()),
        (
            "qwen",
            completion("Safety: Unsafe\nCategories: Violent, Jailbreak"),
            Level.NONE,
            {Category.VIOLENCE, Category.INJECTION},
        ),
    ],
)
def test_an_answer_is_read_as_its_makers_describe_it(
    kind: str, reply: dict[str, Any], level: Level, categories: set[Category]
) -> None:
    verdict = GUARDS[kind].parse_reply(reply)
    assert (verdict.level, set(verdict.categories), verdict.layer) == (level, categories, kind)


@pytest.mark.parametrize("kind", GUARDS)
@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"results": []},
        {"results": [{"categories": ["sexual"], "category_scores": {}}]},
        {"results": [{"categories": {"sexual": True}, "category_scores": {"sexual": "much"}}]},
        {"choices": []},
        {"choices": "safe"},
        completion(None),
        completion("I cannot judge that."),
        completion("UNSAFE?"),
        # Unsafe without a reason must not pass.
        {"results": [{"flagged": True, "categories": {}, "category_scores": {}}]},
        completion("unsafe"),
        completion("unsafe\nS99"),
        completion("Safety: Unsafe"),
        completion("Safety: Unsafe\nCategories: None"),
    ],
)
def test_an_answer_of_another_shape_is_no_verdict(kind: str, reply: dict[str, Any]) -> None:
    with pytest.raises(UnreadableReply):
        GUARDS[kind].parse_reply(reply)


def test_how_sure_a_guard_is_comes_along() -> None:
    assert GUARDS["openai"].parse_reply(moderation(sexual=0.75)).confidence == 0.75
    assert GUARDS["llama"].parse_reply(completion("unsafe\nS12", -0.5)).confidence == pytest.approx(
        0.607, abs=0.001
    )


def test_an_invalid_probability_does_not_remove_the_verdict() -> None:
    assert GUARDS["llama"].parse_reply(completion("unsafe\nS11", 1e9)).level == Level.STATED


@pytest.mark.parametrize("kind", GUARDS)
def test_the_remote_guard_is_sent_the_text_and_nothing_else(kind: str) -> None:
    ask = GUARDS[kind].build_request(SAID, model="a-guard")
    assert set(ask.body) <= {"model", "input", "messages", "temperature", "max_tokens", "logprobs"}
    assert ask.body["model"] == "a-guard"
    assert ask.body.get("input", SAID[-1]["content"]) == "Light scatters."
    assert ask.body.get("messages", SAID) == SAID
