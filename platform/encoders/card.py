"""A model's card: what its files are, and the SHA-256 of each."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


class ModelFileError(ValueError):
    """Files that are not the model they say they are."""


@dataclass(frozen=True, slots=True)
class Card:
    """What stands in the card at `path`."""

    path: Path
    content: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises ModelFault where there is no card."""
        try:
            return cls(path, json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as fault:
            raise ModelFileError(f"{path.name} cannot be read: {fault}") from fault

    def file(self, name: str) -> bytes:
        """A file beside the card. Raises ModelFault where it is not there, or is not the one that the card names."""
        try:
            found = (self.path.parent / name).read_bytes()
        except OSError as fault:
            raise ModelFileError(f"{name} cannot be read: {fault}") from fault
        if hashlib.sha256(found).hexdigest() != self.content.get("sha256", {}).get(name):
            raise ModelFileError(f"{name} is not the file that {self.path.name} names")
        return found
