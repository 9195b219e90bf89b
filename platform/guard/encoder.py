"""A small transformer that reads a message as a whole. Model card: docs/guard-model.md.

It is MiniLM (Wang et al., 2020): six BERT layers (Devlin et al., 2019) of width 384, fine-tuned on the guard's data.
"""

from pathlib import Path

import numpy as np

from encoders import ModelFileError
from encoders.network import MODEL, Network, Numbers
from encoders.wordpiece import TokenRun
from guard.heads import HeadScores, TextTraits, Tops, build_empty_scores, build_head, score_heads
from guard.model_cards import EncoderCard

LAYER = "encoder"
NAME = "guard"
ODDS_OUTPUT = "odds"
"""The network's output: the log-odds of each head."""


class Encoder:
    """A model written by `training.encoder`. Raises ModelFileError if its files do not match its card."""

    def __init__(self, folder: Path = MODEL) -> None:
        self._network = Network(folder, NAME, EncoderCard)
        card = self._network.card
        self.version = card.version
        self.heads = [build_head(entry) for entry in card.heads]
        if self._network.width != len(self.heads):
            raise ModelFileError(f"{NAME}.onnx does not fit the heads of {NAME}.json")

    def read(self, text: str, span: tuple[int, int], traits: TextTraits) -> HeadScores:
        """Score the part `text[start:end]` of a text. `traits` are those of the whole text.

        It reads 64 words at a time, so a longer part takes several runs.
        """
        start, end = span
        tops: Tops = {}
        for pieces in self._network.runs(text[start:end]):
            probabilities = 1 / (1 + np.exp(-self.score(pieces)))
            tops = {
                head.category: max(
                    tops.get(head.category, (0.0, 0, 0)),
                    (float(probabilities[n]), -start, start + pieces.end),
                )
                for n, head in enumerate(self.heads)
            }
        return (
            score_heads(self.heads, tops, traits, doubt=span, layer=LAYER)
            if tops
            else build_empty_scores(LAYER)
        )

    def count_pieces(self, text: str) -> int:
        """Return a text's number of WordPiece pieces; the time to read it is proportional."""
        return sum(len(pieces.numbers) for pieces in self._network.runs(text))

    def score(self, pieces: TokenRun) -> Numbers:
        """Return the log-odds of each head."""
        return self._network.run(pieces)

    def pieces(self, text: str) -> TokenRun | None:
        """Return the first run of a text's pieces; None if it has no words."""
        return self._network.pieces(text)
