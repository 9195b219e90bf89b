"""A small transformer that reads a message as a whole. docs/guard-model.md is its model card.

It is MiniLM (Wang et al., 2020): six layers of BERT (Devlin et al., 2019), 384 wide, tuned on the guard's own data.
"""

from pathlib import Path

import numpy as np

from encoders.card import ModelFileError
from encoders.network import MODEL, Network, Numbers
from encoders.wordpiece import Pieces
from guard.heads import HeadScores, TextTraits, Tops, build_empty_scores, parse_head, score_heads

LAYER = "encoder"
NAME = "guard"
ODDS_OUTPUT = "odds"
"""What comes out of the network: each head's log-odds."""


class Encoder:
    """One model, as `training.encoder` writes it.

    Raises ModelFault where its files are not those that its card names.
    """

    def __init__(self, folder: Path = MODEL) -> None:
        self._network = Network(folder, NAME)
        card = self._network.card
        self.version: str = card["version"]
        self.heads = [parse_head(entry) for entry in card["heads"]]
        if self._network.width != len(self.heads):
            raise ModelFileError(f"{NAME}.onnx does not fit the heads of {NAME}.json")

    def read(self, text: str, place: tuple[int, int], kind: TextTraits) -> HeadScores:
        """What the heads find in the place of a text, `text[start:end]`, that another reader was surest of.

        64 words are read at once, so a place of more takes several times as long. `kind` is that of the whole text.
        """
        start, end = place
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
            score_heads(self.heads, tops, kind, doubt=place, layer=LAYER)
            if tops
            else build_empty_scores(LAYER)
        )

    def size(self, text: str) -> int:
        """How many pieces of words a text has for the network: its time is in proportion to them."""
        return sum(len(pieces.numbers) for pieces in self._network.runs(text))

    def score(self, pieces: Pieces) -> Numbers:
        """Log-odds, one a head."""
        return self._network.run(pieces)

    def pieces(self, text: str) -> Pieces | None:
        """A text as the network reads it."""
        return self._network.pieces(text)
