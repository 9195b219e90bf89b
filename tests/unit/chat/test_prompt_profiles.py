"""Prompts take their texts from a profile, which belongs to the model."""

import re
from dataclasses import fields
from uuid import uuid4

import pytest
from django.conf import settings
from pytest_django import Settings

from chat.method.ladder import HelpStep
from chat.method.reading import FollowUp
from chat.models import Turn, TurnState
from chat.prompt import (
    BRIEF_INSTRUCTION_TOKENS,
    FENCE_START,
    MIN_ANSWER_TOKENS,
    add_turn_instructions,
    build_grounding,
    build_prompt,
    get_answer_room,
)
from chat.prompt_profiles import FULL, PROMPT_PROFILES, SMALL, PromptProfile
from courses.retrieval.search import FoundPassage
from guard import Level, judge_output
from inference.endpoints import RESERVED_FIELDS
from inference.tokens import estimate_max_tokens

PROFILES = [FULL, SMALL]
TEXTS = [
    field.name for field in fields(PromptProfile) if field.name.endswith(("instruction", "instructions"))
]
each_profile = pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)


def passage(number: int) -> FoundPassage:
    text = "A token is a piece of a word. " * 40
    return FoundPassage(
        key=f"words/tokens#{number}", title="What a token is", lesson="Tokens", text=text, language="en"
    )


def turn(question: str, answer: str = "It is.") -> Turn:
    return Turn(pk=uuid4(), question=question, answer=answer, state=TurnState.ANSWERED)


def system_of(prompt_of: PromptProfile, **options: object) -> str:
    return build_prompt("why", remembered=[], profile=prompt_of, **options).messages[0]["content"]  # type: ignore[arg-type]


@each_profile
def test_a_profile_is_found_by_its_name(profile: PromptProfile) -> None:
    assert PROMPT_PROFILES[profile.name] is profile


def test_an_unknown_name_raises() -> None:
    with pytest.raises(KeyError):
        PROMPT_PROFILES["huge"]


def test_a_prompt_is_full_unless_the_model_is_small() -> None:
    prompt = build_prompt("why", remembered=[])
    assert prompt.profile is FULL
    assert prompt.messages[0]["content"].startswith(FULL.instructions)


def test_a_small_model_gets_about_twenty_words() -> None:
    assert len(re.findall(r"\w+", system_of(SMALL))) <= 25
    assert "AI" in SMALL.instructions


@each_profile
def test_a_prompt_says_what_its_profile_says(profile: PromptProfile) -> None:
    continued = [turn("hard", "half an")]
    messages = build_prompt(
        "why",
        remembered=[],
        profile=profile,
        is_brief=True,
        continued=continued,
        passages=[passage(1)],
        language="es",
    ).messages
    told = "\n".join([messages[0]["content"], messages[-1]["content"]])
    assert profile.instructions in told
    assert profile.language_instruction.format(language="Spanish") in told
    assert profile.brief_instruction in told
    assert profile.continue_instruction in told
    assert (FENCE_START in told) is bool(profile.passage_tokens)
    assert "  " not in told


@each_profile
def test_a_prompt_keeps_its_profile_for_a_burdened_learner(profile: PromptProfile) -> None:
    burdened = Turn(level=Level.STRESS, state=TurnState.QUEUED)
    prompt = add_turn_instructions(build_prompt("why", remembered=[], profile=profile), burdened)
    assert profile.support_instruction in prompt.messages[-1]["content"]
    assert prompt.messages[0]["content"] == system_of(profile)
    assert prompt.profile is profile


@each_profile
@pytest.mark.parametrize("count", [0, 1, 3])
def test_passages_stay_within_the_profiles_limit(profile: PromptProfile, count: int) -> None:
    grounding = build_grounding([passage(number) for number in range(count)], room=5000, profile=profile)
    assert not grounding or estimate_max_tokens(grounding) <= profile.passage_tokens


@each_profile
@pytest.mark.parametrize("question", ["why", "why " * 400])
def test_prompt_and_answer_fit_the_models_context(profile: PromptProfile, question: str) -> None:
    remembered = [turn("question " * 40, "answer " * 200) for _ in range(20)]
    prompt = build_prompt(question, remembered=remembered, passages=[passage(1)], profile=profile)
    room = get_answer_room(prompt)
    assert prompt.tokens_at_most + room <= settings.TUTOR_CONTEXT_TOKENS
    assert MIN_ANSWER_TOKENS <= room <= (profile.answer_tokens or settings.TUTOR_ANSWER_TOKENS)


@pytest.mark.parametrize(("plan", "room"), [(None, 150), (80, 80), (300, 150)])
def test_a_small_models_answer_ends_at_its_cap_or_the_plans(
    plan: int | None, room: int, settings: Settings
) -> None:
    settings.TUTOR_ANSWER_TOKENS = 400
    assert get_answer_room(build_prompt("why", remembered=[], profile=SMALL), longest=plan) == room


@each_profile
def test_what_is_reserved_for_brevity_covers_each_profile(profile: PromptProfile) -> None:
    assert estimate_max_tokens(f" {profile.brief_instruction}") <= BRIEF_INSTRUCTION_TOKENS


@each_profile
@pytest.mark.parametrize("name", TEXTS)
def test_no_text_for_a_model_would_be_cut_by_the_gate(profile: PromptProfile, name: str) -> None:
    told = getattr(profile, name)
    for text in [told] if isinstance(told, str) else told.values():
        assert judge_output(text).level < Level.STATED


@each_profile
def test_every_step_and_follow_up_is_told_in_few_words(profile: PromptProfile) -> None:
    assert set(profile.step_instructions) == {step for step in HelpStep if step}
    assert {FollowUp.DIFFERENTLY, FollowUp.SIMPLER} <= set(profile.follow_up_instructions)
    most = 15 if profile is SMALL else 45
    told = [*profile.step_instructions.values(), *profile.follow_up_instructions.values()]
    assert not [text for text in told if len(text.split()) > most and "WRONG" not in text]


@each_profile
def test_no_step_asks_more_than_one_question(profile: PromptProfile) -> None:
    assert not [text for text in profile.step_instructions.values() if text.count("?") > 1]


def test_the_sampler_sets_no_field_that_the_site_sets() -> None:
    assert not RESERVED_FIELDS & SMALL.request_fields.keys()
    assert SMALL.request_fields["dry_penalty_last_n"] > 0
