"""What the guard says of a text."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much care a text asks for, as the crisis protocol in docs/safety.md names it.

    Levels are ordered, and the more careful one is the greater. S, an unsafe home, is a strand of its own: it stands
    above 3, because a parent must not be told, and below 4, because a life in danger comes first.
    """

    NONE = "0"
    STRESS = "1"
    HINTS = "2"
    STATED = "3"
    UNSAFE_HOME = "S"
    ACUTE = "4"

    # A StrEnum brings the alphabet's order, in which S would be the greatest.
    def __lt__(self, other: str) -> bool:
        return _CARE[self] < _CARE[Level(other)]

    def __le__(self, other: str) -> bool:
        return _CARE[self] <= _CARE[Level(other)]

    def __gt__(self, other: str) -> bool:
        return not self <= other

    def __ge__(self, other: str) -> bool:
        return not self < other


_CARE = {level: care for care, level in enumerate(Level)}


class Category(StrEnum):
    """What a text is about. Cards and counts go by these, so their values are kept for good."""

    # Somebody may be in danger: these come with a level.
    SUICIDE = "suicide"
    SELF_HARM = "self_harm"
    EATING_DISORDER = "eating_disorder"
    UNSAFE_HOME = "unsafe_home"
    EXPLOITATION = "exploitation"
    HOPELESSNESS = "hopelessness"
    DISTRESS = "distress"
    BULLYING = "bullying"
    ABOUT_SOMEONE_ELSE = "about_someone_else"
    # Asked for, and not for a tutor to give. The level may be 0.
    METHOD = "method"
    SEXUAL = "sexual"
    HATE = "hate"
    VIOLENCE = "violence"
    CRIME = "crime"
    DRUGS = "drugs"
    INJECTION = "injection"
    COMPANION = "companion"
    MEDICAL = "medical"
    LEGAL = "legal"
    PERSONAL = "personal"
    # Only a model says these.
    ENCOURAGEMENT = "encouragement"
    ISOLATION = "isolation"
    CLAIMS_HUMAN = "claims_human"
    ROMANCE = "romance"
    FLATTERY = "flattery"
    SECRETS = "secrets"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why: which rule of which layer, and where in the original text (`text[start:end]`)."""

    layer: str
    rule: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one layer, or all of them together, say of a text."""

    level: Level = Level.NONE
    categories: frozenset[Category] = frozenset()
    evidence: tuple[Evidence, ...] = ()
    confidence: float = 1.0
    layer: str = ""

    @property
    def is_crisis(self) -> bool:
        """Whether the fixed card comes instead of an answer."""
        return self.level >= Level.STATED


def merge_verdicts(*verdicts: Verdict) -> Verdict:
    """The most careful of several verdicts, with what all of them found."""
    # Of two at level 0 the one that found something is named.
    top = max(verdicts, key=lambda verdict: (verdict.level, bool(verdict.categories)), default=Verdict())
    found = frozenset[Category]().union(*(verdict.categories for verdict in verdicts))
    if _about_oneself(verdicts):
        found -= {Category.ABOUT_SOMEONE_ELSE}
    seen = tuple(dict.fromkeys(evidence for verdict in verdicts for evidence in verdict.evidence))
    return Verdict(
        level=top.level, categories=found, evidence=seen, confidence=top.confidence, layer=top.layer
    )


def _about_oneself(verdicts: Iterable[Verdict]) -> bool:
    """Whoever worries about a friend and is in danger too gets the card for themselves."""
    return any(v.is_crisis and Category.ABOUT_SOMEONE_ELSE not in v.categories for v in verdicts)
