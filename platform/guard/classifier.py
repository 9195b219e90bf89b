"""Trained heads, one a category, over words and pieces of words. docs/guard-model.md is their model card."""

import hashlib
import json
import math
import re
import struct
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guard.features import BUCKETS, FEATURES, Window, windows
from guard.verdict import Category, Evidence, Level, Verdict, worst

LAYER = "classifier"
_LANE, _ZERO = 4, 128
_SURER = 0.5
_NUMBER = re.compile(r"\d+")
_EXERCISE = 3
MODEL = Path(__file__).parent / "model"


class ModelFault(ValueError):
    """Files that are not the model they say they are."""


@dataclass(frozen=True, slots=True)
class Head:
    """One category. `at` are its levels with the probability from which each holds, the highest first.

    `trace` is the probability from which a sentence, which says too little by itself, counts beside earlier hints.
    """

    category: Category
    bias: float
    step: float
    at: tuple[tuple[Level, float], ...]
    trace: float

    def level_at(self, probability: float, kind: "Kind | None" = None) -> Level | None:
        """The level that so much asks for in a text of this kind; none where the head stays silent."""
        for level, least in self.at:
            is_doubtful = kind and (kind.is_exercise or (kind.is_long and level == Level.NONE))
            if probability >= (least + _SURER * (1 - least) if is_doubtful else least):
                return level
        return None


@dataclass(frozen=True, slots=True)
class Kind:
    """What a text is like, where that makes a head doubtful.

    Every window of a long text is one more chance to be wrong, so what would only be refused must be surer there. A
    text of many numbers is most likely an exercise, in which mothers take things away and people leave home.
    """

    is_long: bool
    is_exercise: bool

    @classmethod
    def of(cls, text: str, *, windows: int) -> "Kind":
        return cls(is_long=windows > 1, is_exercise=len(_NUMBER.findall(text)) >= _EXERCISE)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the heads say of one text: the verdict, and each head's highest probability."""

    verdict: Verdict
    probabilities: Mapping[Category, float]
    traces: frozenset[Category]


NOTHING_READ = Reading(Verdict(layer=LAYER), {}, frozenset())


class Classifier:
    """The heads of one model. Raises ModelFault where its files do not fit each other or this code."""

    def __init__(self, folder: Path = MODEL) -> None:
        try:
            card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            weights = (folder / "weights.bin").read_bytes()
        except (OSError, ValueError) as fault:
            raise ModelFault(f"{folder.name} cannot be read: {fault}") from fault
        if card["sha256"] != hashlib.sha256(weights).hexdigest():
            raise ModelFault(f"{folder.name}/weights.bin is not the file that model.json names")
        if (card["features"], card["buckets"]) != (FEATURES, BUCKETS):
            raise ModelFault(f"{folder.name} was trained with other features; train it anew")
        self.version: str = card["version"]
        self.heads = [_head(entry) for entry in card["heads"]]
        if len(weights) != BUCKETS * len(self.heads):
            raise ModelFault(f"{folder.name}/weights.bin does not fit the heads of model.json")
        self._packed = _packed(weights, len(self.heads))

    def read(self, text: str) -> Reading:
        """What the heads find in a text. Takes time in proportion to its length, up to a bound."""
        found = list(windows(text))
        if not found:
            return NOTHING_READ
        scored = [(self._probabilities(window), window) for window in found]
        tops = {
            head.category: max(
                (probabilities[n], -window.start, window.end) for probabilities, window in scored
            )
            for n, head in enumerate(self.heads)
        }
        return self.reading(tops, Kind.of(text, windows=len(found)))

    def reading(self, tops: Mapping[Category, tuple[float, int, int]], kind: Kind | None = None) -> Reading:
        """What each head's highest probability amounts to. With it come the place's start, negative, and its end."""
        verdicts = [
            Verdict(level, self._about(head, tops), (evidence,), top, LAYER)
            for head in self.heads
            for top, start, end in [tops[head.category]]
            for evidence in [Evidence(LAYER, str(head.category), -start, end)]
            if (level := head.level_at(top, kind)) is not None
        ]
        return Reading(
            verdict=worst(NOTHING_READ.verdict, *verdicts),
            probabilities={category: top for category, (top, *_) in tops.items()},
            traces=frozenset(head.category for head in self.heads if tops[head.category][0] >= head.trace),
        )

    def _probabilities(self, window: Window) -> list[float]:
        totals = [head.bias for head in self.heads]
        for buckets in (window.words, window.pieces):
            packed = sum(map(self._packed.__getitem__, buckets))
            lanes = struct.unpack(f"<{len(totals)}I", packed.to_bytes(_LANE * len(totals), "little"))
            size, zero = math.sqrt(len(buckets)), _ZERO * len(buckets)
            totals = [
                total + head.step * (lane - zero) / size
                for total, lane, head in zip(totals, lanes, self.heads, strict=True)
            ]
        return [1 / (1 + math.exp(-max(-50.0, min(50.0, total)))) for total in totals]

    def _about(self, head: Head, tops: Mapping[Category, tuple[float, int, int]]) -> frozenset[Category]:
        """A head's category, and that it is about somebody else where the head for that says so."""
        other = next((head for head in self.heads if head.category == Category.ABOUT_SOMEONE_ELSE), None)
        if other and other.level_at(tops[other.category][0]) is not None:
            return frozenset({head.category, other.category})
        return frozenset({head.category})


def _packed(weights: bytes, heads: int) -> list[int]:
    """For each bucket the weights of all heads in one number, four bytes each, so that one sum adds up all heads.

    Ten times as fast as a sum a head, and it needs no library. Weights are moved up by _ZERO: no lane is ever negative.
    """
    packed = [0] * BUCKETS
    for head in range(heads):
        lane = array("b", weights[head * BUCKETS : (head + 1) * BUCKETS])
        shift = 8 * _LANE * head
        for bucket, weight in enumerate(lane):
            packed[bucket] |= (weight + _ZERO) << shift
    return packed


def _head(entry: dict[str, Any]) -> Head:
    levels = sorted(((Level(level), least) for level, least in entry["at"].items()), reverse=True)
    return Head(Category(entry["category"]), entry["bias"], entry["step"], tuple(levels), entry["trace"])
