"""What a model's probabilities amount to: one head a category, each with the levels that it asks for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guard.verdict import Category, Evidence, Level, Verdict, merge_verdicts

_SURER = 0.5
_NUMBER = re.compile(r"\d+")
_EXERCISE = 3


@dataclass(frozen=True, slots=True)
class Head:
    """One category. `at` are its levels with the probability from which each holds, the highest first.

    `trace` is the probability from which a sentence, which says too little by itself, counts beside earlier hints.
    """

    category: Category
    at: tuple[tuple[Level, float], ...]
    trace: float

    def level_at(self, probability: float, kind: "TextTraits | None" = None) -> Level | None:
        """The level that so much asks for in a text of this kind; none where the head stays silent."""
        for level, least in self.at:
            is_doubtful = kind and (kind.is_exercise or (kind.is_long and level == Level.NONE))
            if probability >= (least + _SURER * (1 - least) if is_doubtful else least):
                return level
        return None


@dataclass(frozen=True, slots=True)
class TextTraits:
    """What a text is like, where that makes a head doubtful.

    Every window of a long text is one more chance to be wrong, so what would only be refused must be surer there. A
    text of many numbers is most likely an exercise, in which mothers take things away and people leave home.
    """

    is_long: bool
    is_exercise: bool

    @classmethod
    def of(cls, text: str, *, windows: int) -> "TextTraits":
        return cls(is_long=windows > 1, is_exercise=len(_NUMBER.findall(text)) >= _EXERCISE)


@dataclass(frozen=True, slots=True)
class HeadScores:
    """What the heads say of one text: the verdict, and each head's highest probability.

    `doubt` is the part of the text, `text[start:end]`, in which a head was surest: the whole of a short one.
    """

    verdict: Verdict
    probabilities: Mapping[Category, float]
    traces: frozenset[Category]
    kind: TextTraits
    doubt: tuple[int, int]


type Tops = Mapping[Category, tuple[float, int, int]]
"""Of each head the highest probability, and the place it was found in: its start, negative, and its end."""


def score_heads(
    heads: Sequence[Head], tops: Tops, kind: TextTraits, *, doubt: tuple[int, int], layer: str
) -> HeadScores:
    """What each head's highest probability amounts to."""
    verdicts = [
        Verdict(level, _list_categories(heads, head, tops), (evidence,), top, layer)
        for head in heads
        for top, start, end in [tops[head.category]]
        for evidence in [Evidence(layer, str(head.category), -start, end)]
        if (level := head.level_at(top, kind)) is not None
    ]
    return HeadScores(
        verdict=merge_verdicts(Verdict(layer=layer), *verdicts),
        probabilities={category: top for category, (top, *_) in tops.items()},
        traces=frozenset(head.category for head in heads if tops[head.category][0] >= head.trace),
        kind=kind,
        doubt=doubt,
    )


def build_empty_scores(layer: str) -> HeadScores:
    return HeadScores(
        Verdict(layer=layer), {}, frozenset(), TextTraits(is_long=False, is_exercise=False), (0, 0)
    )


def parse_head(entry: dict[str, Any]) -> Head:
    """A head as a model's card names it."""
    levels = sorted(((Level(level), least) for level, least in entry["at"].items()), reverse=True)
    return Head(Category(entry["category"]), tuple(levels), entry["trace"])


def _list_categories(heads: Sequence[Head], head: Head, tops: Tops) -> frozenset[Category]:
    """A head's category, and that it is about somebody else where the head for that says so."""
    other = next((head for head in heads if head.category == Category.ABOUT_SOMEONE_ELSE), None)
    if other and other.level_at(tops[other.category][0]) is not None:
        return frozenset({head.category, other.category})
    return frozenset({head.category})
