"""The text networks that run on this machine: the guard's, and the one by which a question finds a lesson.

Pure code without Django. Importing it is cheap: numpy, ONNX Runtime and the networks are loaded by the first use, or by
`get_ready`.

Public: what is exported here, card, network, wordpiece.
"""

from encoders.card import ModelFault
from encoders.sense import get_ready, nearness, sense_of

__all__ = ["ModelFault", "get_ready", "nearness", "sense_of"]
