"""Reads the reviewed text files and checks them, so that errors are found at startup."""

import tomllib
from pathlib import Path
from typing import Any

from django.utils.translation import get_language

FOLDER = Path(__file__).parent / "data"
DEFAULT_LANGUAGE = "en"


class TextFileError(Exception):
    """A text file cannot be used. The message names the file and the entry."""


def read_file(name: str) -> dict[str, Any]:
    """Read and parse a TOML file. Raises TextFileError if it is missing or invalid."""
    path = FOLDER / name
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TextFileError(f"{path.name}: it cannot be read ({error.strerror}).") from error
    except tomllib.TOMLDecodeError as error:
        raise TextFileError(f"{path.name}: {error}.") from error


def get_entry[T](data: dict[str, Any], key: str, kind: type[T], *, at: str) -> T:
    """Return `data[key]`. Raises TextFileError, mentioning `at`, if it is missing, empty or of another type."""
    found = data.get(key)
    if not isinstance(found, kind) or found in ("", [], {}):
        raise TextFileError(f"{at}: “{key}” must be given, as {kind.__name__}.")
    return found


def list_languages(family: str) -> list[str]:
    """List the languages that have a file of this family of texts."""
    return sorted(file.suffixes[0].removeprefix(".") for file in FOLDER.glob(f"{family}.*.toml"))


def choose_page_language(family: str) -> str:
    """Return the page's language if these texts exist in it, else English."""
    language = (get_language() or DEFAULT_LANGUAGE).split("-")[0]
    return language if language in list_languages(family) else DEFAULT_LANGUAGE


def paragraphs(data: dict[str, Any], key: str, *, at: str) -> tuple[str, ...]:
    """Return `data[key]`, a list of strings, as a tuple. Raises TextFileError as `get_entry` does."""
    found = get_entry(data, key, list, at=at)
    if not all(isinstance(paragraph, str) for paragraph in found):
        raise TextFileError(f"{at}: every entry of “{key}” must be text.")
    return tuple(found)
