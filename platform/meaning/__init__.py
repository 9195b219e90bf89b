"""Which English sentences mean alike, by a small network on this machine. Pure code without Django."""

from meaning.encoder import get_ready, nearness, sense_of

__all__ = ["get_ready", "nearness", "sense_of"]
