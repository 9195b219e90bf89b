"""The text networks that run on this machine: the guard's, and the embedding network that finds lessons.

No Django. Importing it is cheap: numpy, ONNX Runtime and the networks are loaded on first use or by `load_network`.

Public: what is exported here, card, network, wordpiece.
"""

from encoders.embedding import EmbeddingTable, embed, load_network
from encoders.errors import ModelFileError

__all__ = ["EmbeddingTable", "ModelFileError", "embed", "load_network"]
