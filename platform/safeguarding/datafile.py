"""Reads the reviewed texts. `check --deploy` and each start of a web process check all of them."""

from pathlib import Path
from typing import TYPE_CHECKING

from django.utils.translation import get_language

from kit.authored import read_toml

if TYPE_CHECKING:
    from pydantic import BaseModel

FOLDER = Path(__file__).parent / "data"
DEFAULT_LANGUAGE = "en"


def read_file[M: "BaseModel"](name: str, model: type[M]) -> M:
    """Return the file's contents. Raises kit.authored.InvalidFile with every error in it."""
    from kit.schemas import validate  # noqa: PLC0415 - it imports pydantic

    return validate(model, read_toml(FOLDER / name))


def list_languages(file_prefix: str) -> list[str]:
    """List the languages that have a file with this prefix."""
    return sorted(file.suffixes[0].removeprefix(".") for file in FOLDER.glob(f"{file_prefix}.*.toml"))


def choose_page_language(file_prefix: str) -> str:
    """Return the page's language if there is a file in it with this prefix, or else English."""
    language = (get_language() or DEFAULT_LANGUAGE).split("-")[0]
    return language if language in list_languages(file_prefix) else DEFAULT_LANGUAGE
