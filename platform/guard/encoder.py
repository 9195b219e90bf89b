"""A small transformer that reads a message as a whole. docs/guard-model.md is its model card.

It is MiniLM (Wang et al., 2020): six layers of BERT (Devlin et al., 2019), 384 wide, tuned on the guard's own data.
ONNX Runtime works it out, with matrices of signed bytes.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from guard.heads import Kind, ModelFault, Reading, head_of, nothing_read, reading
from guard.wordpiece import Pieces, WordPiece

type Numbers = NDArray[np.float32]

LAYER = "encoder"
MODEL = Path(__file__).parent / "model"
CARD, NETWORK, VOCABULARY = "encoder.json", "encoder.onnx", "vocabulary.txt"
LAYERS, WIDTH, ATTENTION_HEADS = 6, 384, 12
PIECES, ODDS = "pieces", "odds"
"""What goes into the network, numbered pieces of words, and what comes out: each head's log-odds."""


class Encoder:
    """One model, as `training.encoder` writes it.

    Raises ModelFault where its files are not those that its card names.
    """

    def __init__(self, folder: Path = MODEL) -> None:
        try:
            card = json.loads((folder / CARD).read_text(encoding="utf-8"))
            network = _read(folder / NETWORK, card["sha256"])
            vocabulary = _read(folder / VOCABULARY, card["sha256"])
        except (OSError, KeyError, ValueError) as fault:
            raise ModelFault(f"the encoder in {folder.name} cannot be read: {fault}") from fault
        self.version: str = card["version"]
        self.heads = [head_of(entry) for entry in card["heads"]]
        self._network = onnxruntime.InferenceSession(network, _alone(), providers=["CPUExecutionProvider"])
        self._split = WordPiece(vocabulary.decode().split("\n"))
        if self._network.get_outputs()[0].shape[1] != len(self.heads):
            raise ModelFault(f"{NETWORK} does not fit the heads of {CARD}")

    def read(self, text: str, place: tuple[int, int], kind: Kind) -> Reading:
        """What the heads find in the place of a text, `text[start:end]`, that another reader was surest of.

        As much is read as 64 words hold: that bounds the time a message takes. `kind` is that of the whole text.
        """
        start, end = place
        pieces = self.pieces(text[start:end])
        if not pieces:
            return nothing_read(LAYER)
        odds = self.score(pieces)
        probabilities = 1 / (1 + np.exp(-odds))
        tops = {
            head.category: (float(probabilities[n]), -start, start + pieces.end)
            for n, head in enumerate(self.heads)
        }
        return reading(self.heads, tops, kind, doubt=place, layer=LAYER)

    def score(self, pieces: Pieces) -> Numbers:
        """Log-odds, one a head."""
        (rows,) = self._network.run([ODDS], {PIECES: np.array([pieces.numbers])})
        found: Numbers = rows[0]
        return found

    def pieces(self, text: str) -> Pieces | None:
        """A text as the network reads it."""
        return self._split.read(text)


def _alone() -> onnxruntime.SessionOptions:
    """One message is a small sum: threads of its own would only fight with those of the server."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return options


def _read(file: Path, hashes: dict[str, str]) -> bytes:
    found = file.read_bytes()
    if hashlib.sha256(found).hexdigest() != hashes[file.name]:
        raise ModelFault(f"{file.name} is not the file that {CARD} names")
    return found
