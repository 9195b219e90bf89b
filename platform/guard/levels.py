"""Decides on a level from the probabilities of both models. docs/guard-model.md says how the numbers were chosen.

The models' log-odds are added, those of the classifier at WORDS_WEIGHT. Their errors are independent, so what only the
encoder finds needs more certainty, and words alone are never a reason to act.
"""

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from guard.heads import TextTraits
from guard.verdict import Category, Evidence, Level, Verdict

if TYPE_CHECKING:
    from guard.model_cards import Thresholds

CARD_HEAD, HINT_HEAD, UNSAFE_HEAD, IMMINENT_HEAD = "card", "hint", "unsafe", "imminent"
"""Heads for how much care a message needs: a crisis card, at least a pause, level S, and level 4 rather than 3."""
CARE_HEADS = (CARD_HEAD, HINT_HEAD, UNSAFE_HEAD, IMMINENT_HEAD)

DANGER = frozenset({Category.SUICIDE, Category.SELF_HARM, Category.EATING_DISORDER, Category.HOPELESSNESS})
STRESS = frozenset({Category.DISTRESS, Category.BULLYING})
UNSAFE = frozenset({Category.UNSAFE_HOME, Category.EXPLOITATION})
DANGER_OR_STRESS = DANGER | STRESS
CARE = DANGER_OR_STRESS | UNSAFE | {Category.ABOUT_SOMEONE_ELSE}
REFUSED = (
    Category.METHOD,
    Category.SEXUAL,
    Category.HATE,
    Category.VIOLENCE,
    Category.CRIME,
    Category.DRUGS,
    Category.INJECTION,
    Category.COMPANION,
    Category.MEDICAL,
    Category.LEGAL,
)
WORDS_WEIGHT = 0.5
_DOUBT_MARGIN, _LIKELY, _MIN_PROBABILITY = 0.5, 0.5, 0.0001
_CATEGORIES_OF = {CARD_HEAD: DANGER, HINT_HEAD: DANGER | UNSAFE, UNSAFE_HEAD: UNSAFE}
# What danger is about, once it has been found.
_BY_ENCODER_ALONE = CARE - STRESS
# Who asks who they are is seldom in danger from it: S also needs this probability by the classifier.
_SECOND_SIGNAL = 0.3
_IDENTITY = re.compile(
    r"\b(?:gay|lesbian|lesbiana|bi(?:sexual)?|trans(?:gender)?|queer|non-?binary|no binari[oae]|asexual|pronouns?|"
    r"pronombres|com(?:e|ing) out|(?:salir|salí) del cl[oó]set|closeted|sexuality|sexualidad|orientaci[oó]n)\b",
    re.IGNORECASE,
)


def judge_probabilities(
    by_encoder: Mapping[str, float],
    by_words: Mapping[str, float],
    thresholds: "Thresholds",
    *,
    text: str,
    span: tuple[int, int],
    traits: TextTraits,
    layer: str,
) -> Verdict:
    """Return the verdict on the part `text[start:end]`.

    Between the thresholds of a pause and of a card, a person is asked instead of carded.
    """
    probabilities = _add_words(by_encoder, by_words)
    unsafe_by_words = max(by_words.get(category, 0.0) for category in UNSAFE)
    may_be_unsafe = unsafe_by_words >= _SECOND_SIGNAL or not is_asking_about_identity(text)
    level = _find_level(probabilities, thresholds, traits, may_be_unsafe=may_be_unsafe)
    categories = {*_find_care(probabilities, level), *_find_refused(probabilities, thresholds, traits)}
    if level > Level.NONE and probabilities[Category.ABOUT_SOMEONE_ELSE] >= thresholds.about_someone_else:
        categories.add(Category.ABOUT_SOMEONE_ELSE)
    evidence = tuple(Evidence(layer, str(category), *span) for category in sorted(categories))
    confidence = max((probabilities[category] for category in categories), default=1.0)
    return Verdict(level, frozenset(categories), evidence, confidence, layer)


def _add_words(by_encoder: Mapping[str, float], by_words: Mapping[str, float]) -> dict[str, float]:
    """Return each head's probability by both models. The classifier has no heads for care, but for its categories."""
    words = dict(by_words) | {
        care: max((by_words.get(category, 0.0) for category in categories), default=0.0)
        for care, categories in _CATEGORIES_OF.items()
    }
    return {
        head: 1 / (1 + math.exp(-(log_odds(probability) + WORDS_WEIGHT * log_odds(words[head]))))
        if head in words and head not in _BY_ENCODER_ALONE
        else probability
        for head, probability in by_encoder.items()
    }


def log_odds(probability: float) -> float:
    clamped = min(max(probability, _MIN_PROBABILITY), 1 - _MIN_PROBABILITY)
    return math.log(clamped / (1 - clamped))


def is_asking_about_identity(text: str) -> bool:
    return _IDENTITY.search(text) is not None


def _find_level(
    probabilities: Mapping[str, float], thresholds: "Thresholds", traits: TextTraits, *, may_be_unsafe: bool
) -> Level:
    doubt = _DOUBT_MARGIN if traits.is_exercise else 0.0

    def reaches(head: str, minimum: float) -> bool:
        return probabilities[head] >= minimum + doubt * (1 - minimum)

    if reaches(CARD_HEAD, thresholds.card):
        return Level.ACUTE if reaches(IMMINENT_HEAD, thresholds.imminent) else Level.STATED
    if reaches(UNSAFE_HEAD, thresholds.unsafe) and may_be_unsafe:
        return Level.UNSAFE_HOME
    if (
        reaches(CARD_HEAD, thresholds.pause_by_card)
        or reaches(HINT_HEAD, thresholds.pause_by_hint)
        or reaches(UNSAFE_HEAD, thresholds.pause_by_unsafe)
    ):
        return Level.HINTS
    if any(reaches(category, thresholds.stress) for category in STRESS):
        return Level.STRESS
    return Level.NONE


def _find_care(probabilities: Mapping[str, float], level: Level) -> set[Category]:
    """Return what a person's danger is about: every likely category, or else the likeliest."""
    if level == Level.NONE:
        return set()
    among = {
        Level.STRESS: STRESS,
        Level.UNSAFE_HOME: UNSAFE,
        Level.HINTS: DANGER | UNSAFE,
    }.get(level, DANGER)
    likely = {category for category in among if probabilities[category] >= _LIKELY}
    return likely or {max(among, key=probabilities.__getitem__)}


def _find_refused(
    probabilities: Mapping[str, float], thresholds: "Thresholds", traits: TextTraits
) -> set[Category]:
    doubt = _DOUBT_MARGIN if traits.is_exercise or traits.is_long else 0.0
    return {
        category
        for category in REFUSED
        if probabilities[category] >= (least := thresholds.refused[category]) + doubt * (1 - least)
    }
