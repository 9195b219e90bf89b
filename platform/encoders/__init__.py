"""The text networks that run on this machine: the guard's, and the one by which a question finds a lesson.

Pure code without Django. Importing it is cheap: numpy, ONNX Runtime and the networks are loaded by the first use, or by
`load_network`.

Public: what is exported here, card, network, wordpiece.
"""

from encoders.card import ModelFileError
from encoders.embedding import compute_similarity, embed, load_network

__all__ = ["ModelFileError", "compute_similarity", "embed", "load_network"]
