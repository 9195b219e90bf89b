"""A small transformer as it ships: one ONNX graph with the vocabulary that its pieces of words come from."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from encoders.card import Card
from encoders.wordpiece import Pieces, WordPiece

type Numbers = NDArray[np.float32]

MODEL = Path(__file__).parent / "model"
VOCABULARY = "vocabulary.txt"
"""The pieces of words are the same for every network here."""
LAYERS, WIDTH, ATTENTION_HEADS = 6, 384, 12
PIECES = "pieces"
"""What goes into a network: numbered pieces of words."""


class Network:
    """ONNX Runtime works it out, with matrices of signed bytes. What comes out is the graph's only output.

    Its files are `name`.json, the card, and `name`.onnx in a folder, with the vocabulary beside them. Raises ModelFault
    where they are not those that the card names.
    """

    def __init__(self, folder: Path, name: str) -> None:
        card = Card.read(folder / f"{name}.json")
        graph, vocabulary = (card.file(file) for file in (f"{name}.onnx", VOCABULARY))
        self.card = card.content
        self._session = onnxruntime.InferenceSession(graph, _alone(), providers=["CPUExecutionProvider"])
        self._split = WordPiece(vocabulary.decode().split("\n"))
        (output,) = self._session.get_outputs()
        self._output: str = output.name
        self.width: int = output.shape[1]

    def pieces(self, text: str) -> Pieces | None:
        """A text as the network reads it: as much as 64 words hold. None where it has no words."""
        return self._split.read(text)

    def runs(self, text: str) -> Iterator[Pieces]:
        """All of a text, in as many runs as the network needs for it."""
        return self._split.runs(text)

    def run(self, pieces: Pieces) -> Numbers:
        """`width` numbers."""
        (rows,) = self._session.run([self._output], {PIECES: np.array([pieces.numbers])})
        found: Numbers = rows[0]
        return found


def _alone() -> onnxruntime.SessionOptions:
    """One message is a small sum: threads of its own would only fight with those of the server."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return options
