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


def list_languages(family: str) -> list[str]:
    """List the languages that have a file of this family of texts."""
    return sorted(file.suffixes[0].removeprefix(".") for file in FOLDER.glob(f"{family}.*.toml"))


def choose_page_language(family: str) -> str:
    """Return the page's language if this family of texts has it, or else English."""
    language = (get_language() or DEFAULT_LANGUAGE).split("-")[0]
    return language if language in list_languages(family) else DEFAULT_LANGUAGE
