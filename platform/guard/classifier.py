"""A linear classifier over words and character n-grams, with one head per category. Model card: docs/guard-model.md."""

import math
import struct
from array import array
from pathlib import Path

from encoders import ModelFileError
from guard.features import BUCKETS, FEATURES_VERSION, Window, split_windows
from guard.heads import HeadScores, TextTraits, build_empty_scores, build_head, score_heads

LAYER = "classifier"
_LANE, _ZERO = 4, 128
MODEL = Path(__file__).parent / "model"


class Classifier:
    """Loads a model from `folder`. Raises ModelFileError if its files do not match each other or this code."""

    def __init__(self, folder: Path = MODEL) -> None:
        from encoders.card import read_card, read_model_file  # noqa: PLC0415 - it imports pydantic
        from guard.model_cards import ClassifierCard  # noqa: PLC0415

        card = read_card(folder / "model.json", ClassifierCard)
        weights = read_model_file(folder / "weights.bin", sha256=card.sha256, card="model.json")
        if (card.features, card.buckets) != (FEATURES_VERSION, BUCKETS):
            raise ModelFileError(f"{folder.name} was trained with other features; train it again")
        self.version = card.version
        self.heads = [build_head(entry) for entry in card.heads]
        self._scales = [(entry.bias, entry.step) for entry in card.heads]
        if len(weights) != BUCKETS * len(self.heads):
            raise ModelFileError(f"{folder.name}/weights.bin does not fit the heads of model.json")
        self._packed = _pack_weights(weights, len(self.heads))

    def read(self, text: str) -> HeadScores:
        """Score a text in linear time."""
        windows = list(split_windows(text))
        if not windows:
            return build_empty_scores(LAYER)
        scored = [(self._compute_probabilities(window), window) for window in windows]
        tops = {
            head.category: max(
                (probabilities[n], -window.start, window.end) for probabilities, window in scored
            )
            for n, head in enumerate(self.heads)
        }
        _, surest = max(scored, key=lambda pair: max(pair[0]))
        doubt = (surest.start, surest.end)
        return score_heads(
            self.heads, tops, TextTraits.from_text(text, windows=len(windows)), doubt=doubt, layer=LAYER
        )

    def _compute_probabilities(self, window: Window) -> list[float]:
        totals = [bias for bias, _ in self._scales]
        for buckets in (window.words, window.pieces):
            packed = sum(map(self._packed.__getitem__, buckets))
            lanes = struct.unpack(f"<{len(totals)}I", packed.to_bytes(_LANE * len(totals), "little"))
            size, zero = math.sqrt(len(buckets)), _ZERO * len(buckets)
            totals = [
                total + step * (lane - zero) / size
                for total, lane, (_, step) in zip(totals, lanes, self._scales, strict=True)
            ]
        return [1 / (1 + math.exp(-max(-50.0, min(50.0, total)))) for total in totals]


def _pack_weights(weights: bytes, heads: int) -> list[int]:
    """Pack each bucket's weights of all heads into one integer with a lane of four bytes per head.

    One sum then adds up all heads, which is ten times as fast as a sum per head and needs no library. _ZERO is added to
    each weight so that no lane is negative.
    """
    packed = [0] * BUCKETS
    for head in range(heads):
        lane = array("b", weights[head * BUCKETS : (head + 1) * BUCKETS])
        shift = 8 * _LANE * head
        for bucket, weight in enumerate(lane):
            packed[bucket] |= (weight + _ZERO) << shift
    return packed
