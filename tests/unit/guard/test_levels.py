"""From the encoder's probabilities to a level and categories."""

import pytest

from guard.heads import TextTraits
from guard.levels import (
    CARD_HEAD,
    CARE,
    CARE_HEADS,
    HINT_HEAD,
    IMMINENT_HEAD,
    REFUSED,
    UNSAFE_HEAD,
    judge_probabilities,
)
from guard.model_cards import Thresholds
from guard.verdict import Category, Level, Verdict

THRESHOLDS = Thresholds(
    card=0.6,
    pause_by_card=0.3,
    imminent=0.5,
    unsafe=0.6,
    pause_by_unsafe=0.4,
    pause_by_hint=0.5,
    stress=0.5,
    about_someone_else=0.5,
    trace=0.1,
    answer=0.5,
    refused=dict.fromkeys(map(str, REFUSED), 0.5),
)
PLAIN = TextTraits(is_long=False, is_exercise=False)


def judge(
    found: dict[str, float],
    *,
    by_words: dict[str, float] | None = None,
    text: str = "some words here",
    traits: TextTraits = PLAIN,
) -> Verdict:
    """Judge what the encoder found. Without `by_words`, the classifier is undecided about everything."""
    probabilities = dict.fromkeys((*CARE_HEADS, *map(str, CARE), *map(str, REFUSED)), 0.01) | found
    words = dict.fromkeys((*map(str, CARE), *map(str, REFUSED)), 0.5) | (by_words or {})
    return judge_probabilities(
        probabilities, words, THRESHOLDS, text=text, span=(0, len(text)), traits=traits, layer="encoder"
    )


class TestWords:
    """The classifier's log-odds count half."""

    CALM = dict.fromkeys(map(str, CARE), 0.02)

    def test_what_only_the_encoder_finds_needs_more_certainty(self) -> None:
        assert judge({CARD_HEAD: 0.7}).level == Level.STATED
        assert judge({CARD_HEAD: 0.7}, by_words=self.CALM).level == Level.NONE
        assert judge({CARD_HEAD: 0.97}, by_words=self.CALM).level == Level.STATED

    def test_words_alone_are_no_reason_to_act(self) -> None:
        certain: dict[str, float] = dict.fromkeys(
            (Category.SUICIDE, Category.UNSAFE_HOME, Category.DRUGS), 0.97
        )
        verdict = judge({}, by_words=certain)
        assert verdict.level == Level.NONE
        assert not verdict.categories

    def test_words_confirm_what_the_encoder_suspects(self) -> None:
        assert judge({CARD_HEAD: 0.4}).level == Level.HINTS
        assert judge({CARD_HEAD: 0.4}, by_words={Category.SELF_HARM: 0.9}).level == Level.STATED
        assert judge({Category.DRUGS: 0.4}, by_words={Category.DRUGS: 0.9}).categories == {Category.DRUGS}


@pytest.mark.parametrize(
    ("found", "level"),
    [
        ({}, Level.NONE),
        ({CARD_HEAD: 0.7}, Level.STATED),
        ({CARD_HEAD: 0.7, IMMINENT_HEAD: 0.7}, Level.ACUTE),
        ({IMMINENT_HEAD: 0.9}, Level.NONE),
        ({UNSAFE_HEAD: 0.7}, Level.UNSAFE_HOME),
        ({HINT_HEAD: 0.6}, Level.HINTS),
        ({Category.DISTRESS: 0.6}, Level.STRESS),
        ({Category.SUICIDE: 0.9}, Level.NONE),
    ],
)
def test_the_heads_for_care_decide_the_level(found: dict[str, float], level: Level) -> None:
    assert judge(found).level == level


def test_between_the_thresholds_a_person_is_asked_and_not_carded() -> None:
    assert judge({CARD_HEAD: 0.4}).level == Level.HINTS
    assert judge({UNSAFE_HEAD: 0.5}).level == Level.HINTS


@pytest.mark.parametrize(
    "text", ["how do i know if im gay", "¿cómo sé si soy trans?", "my pronouns are they"]
)
def test_a_question_of_identity_is_no_unsafe_home_by_the_encoder_alone(text: str) -> None:
    calm: dict[str, float] = {Category.UNSAFE_HOME: 0.1, Category.EXPLOITATION: 0.1}
    assert judge({UNSAFE_HEAD: 0.99}, by_words=calm, text=text).level == Level.HINTS
    assert judge({UNSAFE_HEAD: 0.99}, text=text).level == Level.UNSAFE_HOME
    assert judge({UNSAFE_HEAD: 0.95}, text="my dad threw me out").level == Level.UNSAFE_HOME


def test_danger_is_named_by_its_likely_categories_or_the_likeliest() -> None:
    assert judge({CARD_HEAD: 0.7, Category.SUICIDE: 0.8, Category.SELF_HARM: 0.6}).categories == {
        Category.SUICIDE,
        Category.SELF_HARM,
    }
    assert judge({CARD_HEAD: 0.7, Category.EATING_DISORDER: 0.2}).categories == {Category.EATING_DISORDER}


def test_danger_of_someone_else_is_marked() -> None:
    found = {CARD_HEAD: 0.7, Category.SUICIDE: 0.8, Category.ABOUT_SOMEONE_ELSE: 0.8}
    assert Category.ABOUT_SOMEONE_ELSE in judge(found).categories
    assert judge({Category.ABOUT_SOMEONE_ELSE: 0.8}).categories == frozenset()


@pytest.mark.parametrize("category", REFUSED)
def test_a_request_has_its_category_and_no_level(category: Category) -> None:
    verdict = judge({category: 0.6})
    assert verdict.level == Level.NONE
    assert verdict.categories == {category}
    assert [(e.rule, e.start, e.end) for e in verdict.evidence] == [(category, 0, 15)]


def test_an_exercise_needs_more_certainty() -> None:
    exercise = TextTraits(is_long=False, is_exercise=True)
    assert judge({CARD_HEAD: 0.7}, traits=exercise).level == Level.HINTS
    assert judge({CARD_HEAD: 0.9}, traits=exercise).level == Level.STATED
    assert judge({Category.DRUGS: 0.6}, traits=exercise).categories == frozenset()


def test_a_request_in_a_long_text_needs_more_certainty() -> None:
    long = TextTraits(is_long=True, is_exercise=False)
    assert judge({Category.DRUGS: 0.6}, traits=long).categories == frozenset()
    assert judge({Category.DRUGS: 0.8}, traits=long).categories == {Category.DRUGS}
