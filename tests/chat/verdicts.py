"""Verdicts for tests that no rule produces yet."""

from collections.abc import Callable, Iterable

from chat.models import Turn
from guard import Category, Evidence, Level, Verdict


def build_verdict(
    level: Level = Level.NONE, *categories: Category, evidence: Iterable[Evidence] = ()
) -> Verdict:
    return Verdict(level, frozenset(categories), tuple(evidence), layer="test")


HINTS = build_verdict(Level.HINTS, Category.HOPELESSNESS)
STRESS = build_verdict(Level.STRESS, Category.DISTRESS)
UNSAFE_HOME = build_verdict(Level.UNSAFE_HOME, Category.UNSAFE_HOME)
METHOD = build_verdict(Level.NONE, Category.METHOD)
COMPANION = build_verdict(Level.NONE, Category.COMPANION)


def build_personal_verdict(question: str, *parts: str) -> Verdict:
    """Return a verdict that marks these parts of a question as personal data."""
    evidence = [
        Evidence("personal", "name", question.index(part), question.index(part) + len(part)) for part in parts
    ]
    return build_verdict(Level.NONE, Category.PERSONAL, evidence=evidence)


def build_judge(given: Verdict) -> Callable[[str, Iterable[Turn]], Verdict]:
    return lambda _question, _past: given
