"""Turns the probabilities of a model's heads into a verdict."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guard.verdict import Category, Evidence, Level, Verdict, merge_verdicts

if TYPE_CHECKING:
    from guard.model_cards import WeightedHeadEntry

_DOUBT_MARGIN = 0.5
_NUMBER = re.compile(r"\d+")
_EXERCISE_NUMBERS = 3


@dataclass(frozen=True, slots=True)
class Head:
    """The head of one category. `at` lists its levels with their minimum probabilities, highest level first.

    `trace` is the minimum probability of a trace, which counts only together with earlier hints.
    """

    category: Category
    at: tuple[tuple[Level, float], ...]
    trace: float

    def get_level(self, probability: float, traits: "TextTraits | None" = None) -> Level | None:
        """Return the level for a probability in a text with these traits; None below all levels."""
        for level, minimum in self.at:
            is_doubtful = traits and (traits.is_exercise or (traits.is_long and level == Level.NONE))
            if probability >= (minimum + _DOUBT_MARGIN * (1 - minimum) if is_doubtful else minimum):
                return level
        return None


@dataclass(frozen=True, slots=True)
class TextTraits:
    """Traits of a text for which heads need a higher probability.

    Every window of a long text is another chance of a false positive, so refusals need more there. A text with several
    numbers is most likely an exercise, in which mothers take things away and people leave home.
    """

    is_long: bool
    is_exercise: bool

    @classmethod
    def from_text(cls, text: str, *, windows: int) -> "TextTraits":
        return cls(is_long=windows > 1, is_exercise=len(_NUMBER.findall(text)) >= _EXERCISE_NUMBERS)


@dataclass(frozen=True, slots=True)
class HeadScores:
    """A model's verdict on one text, with each head's highest probability by its name.

    `doubt` is the part `text[start:end]` with the highest probability of all; for a short text, all of it.
    """

    verdict: Verdict
    probabilities: Mapping[str, float]
    traces: frozenset[Category]
    traits: TextTraits
    doubt: tuple[int, int]


type Tops = Mapping[Category, tuple[float, int, int]]
"""Each head's highest probability, with the negative start and the end of the window where it was found."""


def score_heads(
    heads: Sequence[Head], tops: Tops, traits: TextTraits, *, doubt: tuple[int, int], layer: str
) -> HeadScores:
    """Build the scores of a text from each head's highest probability."""
    verdicts = [
        Verdict(level, _list_categories(heads, head, tops), (evidence,), top, layer)
        for head in heads
        for top, start, end in [tops[head.category]]
        for evidence in [Evidence(layer, str(head.category), -start, end)]
        if (level := head.get_level(top, traits)) is not None
    ]
    return HeadScores(
        verdict=merge_verdicts(Verdict(layer=layer), *verdicts),
        probabilities={category: top for category, (top, *_) in tops.items()},
        traces=frozenset(head.category for head in heads if tops[head.category][0] >= head.trace),
        traits=traits,
        doubt=doubt,
    )


def build_empty_scores(layer: str) -> HeadScores:
    return HeadScores(
        Verdict(layer=layer), {}, frozenset(), TextTraits(is_long=False, is_exercise=False), (0, 0)
    )


def build_head(entry: "WeightedHeadEntry") -> Head:
    """Build a head from its entry in a model's card. Raises ValueError for an unknown level or category."""
    levels = sorted(((Level(level), minimum) for level, minimum in entry.at.items()), reverse=True)
    return Head(Category(entry.category), tuple(levels), entry.trace)


def _list_categories(heads: Sequence[Head], head: Head, tops: Tops) -> frozenset[Category]:
    """Return a head's category, with ABOUT_SOMEONE_ELSE if that head also applies."""
    other = next((head for head in heads if head.category == Category.ABOUT_SOMEONE_ELSE), None)
    if other and other.get_level(tops[other.category][0]) is not None:
        return frozenset({head.category, other.category})
    return frozenset({head.category})
