"""Sentence embeddings: sentences with similar meanings have similar vectors.

The network is all-MiniLM-L6-v2 (Reimers and Gurevych, 2019; Wang et al., 2020), which knows English only, with its
matrices quantized to signed bytes. `python -m training.embedding` writes it.
"""

from typing import TYPE_CHECKING

from kit.lazy import load_once

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from encoders.card import ModelCard
    from encoders.network import Network

NETWORK_NAME = "sense"
EMBEDDING_OUTPUT = "sense"
"""The network's output: a unit vector of WIDTH numbers."""

_SCALE = 127


def load_network() -> None:
    """Load the network before its first use. Raises ModelFileError."""
    _network()


def embed(text: str) -> bytes:
    """Return the embedding of a text's first 64 words as WIDTH signed bytes; b"" if it has no words.

    Takes about 2 ms for a question. Raises ModelFileError if the model's files do not match its card.
    """
    network = _network()
    pieces = network.tokenize(text)
    return (network.run(pieces) * _SCALE).round().astype("int8").tobytes() if pieces else b""


class EmbeddingTable:
    """Many embeddings, ready to be compared with one. Immutable."""

    def __init__(self, embeddings: bytes) -> None:
        """Take embeddings that `embed` returned, concatenated. None of them may be empty."""
        import numpy as np  # noqa: PLC0415 - as in `_network`

        self._rows = _parse_embeddings(embeddings)
        self._lengths = np.linalg.norm(self._rows, axis=1)

    def compute_similarities(self, embedding: bytes) -> "NDArray[np.float32]":
        """Return the cosine similarity of one embedding to each of the table's.

        1 means the same sentence, about 0 unrelated ones.
        """
        import numpy as np  # noqa: PLC0415

        (first,) = _parse_embeddings(embedding)
        # Not `@`: for a large table it uses several threads, which compete with the server's.
        products = np.einsum("ij,j->i", self._rows, first)
        cosines: NDArray[np.float32] = products / (self._lengths * np.linalg.norm(first))
        return cosines


def _parse_embeddings(embeddings: bytes) -> "NDArray[np.float32]":
    import numpy as np  # noqa: PLC0415

    from encoders.network import WIDTH  # noqa: PLC0415

    return np.frombuffer(embeddings, np.int8).astype(np.float32).reshape(-1, WIDTH)


@load_once
def _network() -> "Network[ModelCard]":
    from encoders.card import ModelCard  # noqa: PLC0415 - it imports pydantic
    from encoders.network import MODEL, Network  # noqa: PLC0415 - it imports numpy and ONNX Runtime

    return Network(MODEL, NETWORK_NAME, ModelCard)
