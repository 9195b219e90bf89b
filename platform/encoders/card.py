"""A model's card: its files, and the SHA-256 of each. Import it in functions (kit.schemas imports pydantic)."""

import hashlib
import json
from pathlib import Path

from pydantic import ConfigDict

from encoders.errors import ModelFileError
from kit.authored import InvalidFile, TomlText, read_text
from kit.schemas import Table, validate


class ModelCard(Table):
    """The part of a card that every network has. `sha256` maps file names to hashes."""

    # Cards also tell people what a model was trained on.
    model_config = ConfigDict(extra="ignore")

    sha256: dict[str, str]


def read_card[C: Table](path: Path, model: type[C]) -> C:
    """Return the card at `path`. Raises ModelFileError if it is missing or is not a card of this kind."""
    try:
        data = json.loads(read_text(path, file=path.name))
        return validate(model, TomlText(path.name, data, text=""))
    except InvalidFile as invalid:
        raise ModelFileError(str(invalid)) from invalid
    except ValueError as error:
        raise ModelFileError(f"{path.name} cannot be read: {error}") from error


def read_model_file(path: Path, *, sha256: str | None, card: str) -> bytes:
    """Return the content of a model's file. Raises ModelFileError if it is missing or does not have this SHA-256."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path.name} cannot be read: {error}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelFileError(f"{path.name} is not the file that {card} names")
    return content
