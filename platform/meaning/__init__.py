"""Which English sentences mean alike, by a small network on this machine. Pure code without Django."""

from meaning.encoder import nearness, sense_of

__all__ = ["nearness", "sense_of"]
