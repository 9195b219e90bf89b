"""What a sentence means, as a direction: sentences that mean alike point alike.

It is all-MiniLM-L6-v2 (Reimers and Gurevych, 2019; Wang et al., 2020) as it was published, which knows English only,
with its matrices as signed bytes. `python -m training.meaning` writes it.
"""

from typing import TYPE_CHECKING

from kit.lazy import load_once

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from encoders.network import Network

NETWORK_NAME = "sense"
EMBEDDING_OUTPUT = "sense"
"""What comes out of the network: a direction, WIDTH numbers whose squares add up to one."""

_MOST = 127


def load_network() -> None:
    """Load the network now, rather than when somebody waits for the first sense."""
    _network()


def embed(text: str) -> bytes:
    """The direction of a text's first 64 words as WIDTH signed bytes; b"" where it has no words.

    It takes some 2 ms for a question. Raises ModelFault where the model's files are not those that its card names.
    """
    network = _network()
    pieces = network.pieces(text)
    return (network.run(pieces) * _MOST).round().astype("int8").tobytes() if pieces else b""


def compute_similarity(sense: bytes, others: bytes) -> "NDArray[np.float32]":
    """The cosine between one sense and each of others, which stand end to end: 1 for the same sentence, about 0 for
    sentences that have nothing to do with each other.
    """
    import numpy as np  # noqa: PLC0415 - as in `_network`

    from encoders.network import WIDTH  # noqa: PLC0415

    one, many = (
        np.frombuffer(given, np.int8).astype(np.float32).reshape(-1, WIDTH) for given in (sense, others)
    )
    cosines: NDArray[np.float32] = (many @ one[0]) / (np.linalg.norm(many, axis=1) * np.linalg.norm(one))
    return cosines


@load_once
def _network() -> "Network":
    from encoders.network import MODEL, Network  # noqa: PLC0415 - with it come numpy and ONNX Runtime

    return Network(MODEL, NETWORK_NAME)
