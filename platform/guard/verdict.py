"""The guard's verdict on a text."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much care a text needs, as in the crisis protocol (docs/safety.md).

    Levels are ordered, and the more careful one is the greater. S, an unsafe home, is separate: it ranks
    above 3, because a parent must not be told, and below 4, because a life in danger comes first.
    """

    NONE = "0"
    STRESS = "1"
    HINTS = "2"
    STATED = "3"
    UNSAFE_HOME = "S"
    ACUTE = "4"

    # StrEnum compares alphabetically, which would make S the highest.
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
    """What a text is about. The values are stored, so they must not change."""

    # A person may be in danger: these come with a level.
    SUICIDE = "suicide"
    SELF_HARM = "self_harm"
    EATING_DISORDER = "eating_disorder"
    UNSAFE_HOME = "unsafe_home"
    EXPLOITATION = "exploitation"
    HOPELESSNESS = "hopelessness"
    DISTRESS = "distress"
    BULLYING = "bullying"
    ABOUT_SOMEONE_ELSE = "about_someone_else"
    # Who someone is and whom they love (guard.identity). It is no danger, and has no level.
    IDENTITY = "identity"
    # Requests that the tutor does not answer. The level may be 0.
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
    # Found in a model's answers only.
    ENCOURAGEMENT = "encouragement"
    ISOLATION = "isolation"
    CLAIMS_HUMAN = "claims_human"
    ROMANCE = "romance"
    FLATTERY = "flattery"
    SECRETS = "secrets"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Which rule of which layer matched, and where in the original text (`text[start:end]`)."""

    layer: str
    rule: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of one layer, or of all layers together."""

    level: Level = Level.NONE
    categories: frozenset[Category] = frozenset()
    evidence: tuple[Evidence, ...] = ()
    confidence: float = 1.0
    layer: str = ""

    @property
    def is_crisis(self) -> bool:
        """Whether the crisis card is shown instead of an answer."""
        return self.level >= Level.STATED


def merge_verdicts(*verdicts: Verdict) -> Verdict:
    """Return the most careful verdict, with the categories and evidence of all."""
    # At level 0, the layer that found something is named.
    top = max(verdicts, key=lambda verdict: (verdict.level, bool(verdict.categories)), default=Verdict())
    categories = frozenset[Category]().union(*(verdict.categories for verdict in verdicts))
    if _is_about_oneself(verdicts):
        categories -= {Category.ABOUT_SOMEONE_ELSE}
    seen = tuple(dict.fromkeys(evidence for verdict in verdicts for evidence in verdict.evidence))
    return Verdict(
        level=top.level, categories=categories, evidence=seen, confidence=top.confidence, layer=top.layer
    )


def _is_about_oneself(verdicts: Iterable[Verdict]) -> bool:
    """Return whether the person is in danger, not only a friend: then they get the card for themselves."""
    return any(v.is_crisis and Category.ABOUT_SOMEONE_ELSE not in v.categories for v in verdicts)
