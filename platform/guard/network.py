"""A small transformer as it ships: one ONNX graph with the vocabulary that its pieces of words come from."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from guard.heads import ModelFault
from guard.wordpiece import Pieces, WordPiece

type Numbers = NDArray[np.float32]

VOCABULARY = "vocabulary.txt"
LAYERS, WIDTH, ATTENTION_HEADS = 6, 384, 12
PIECES = "pieces"
"""What goes into a network: numbered pieces of words."""


class Network:
    """ONNX Runtime works it out, with matrices of signed bytes. What comes out is the graph's only output.

    `hashes` are the SHA-256 of the graph's file, `name`, and of the vocabulary beside it. Raises ModelFault where a
    file is another one, and OSError where it is not there.
    """

    def __init__(self, folder: Path, name: str, hashes: Mapping[str, str]) -> None:
        graph, vocabulary = (_read(folder / file, hashes) for file in (name, VOCABULARY))
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


def _read(file: Path, hashes: Mapping[str, str]) -> bytes:
    found = file.read_bytes()
    if hashlib.sha256(found).hexdigest() != hashes[file.name]:
        raise ModelFault(f"{file.name} is not the file that its card names")
    return found
