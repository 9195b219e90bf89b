"""Reads the reviewed texts. They are checked when they are read, so that a broken one is found before a teen is."""

import tomllib
from pathlib import Path
from typing import Any

from django.utils.translation import get_language

FOLDER = Path(__file__).parent / "data"
DEFAULT_LANGUAGE = "en"


class TextFileError(Exception):
    """A file of texts cannot be used. The message names the file and the entry, for whoever edits it."""


def read_file(name: str) -> dict[str, Any]:
    """The file's contents; raises DataBroken when it is missing or is not TOML."""
    path = FOLDER / name
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise TextFileError(f"{path.name}: it cannot be read ({fault.strerror}).") from fault
    except tomllib.TOMLDecodeError as fault:
        raise TextFileError(f"{path.name}: {fault}.") from fault


def get_entry[T](data: dict[str, Any], key: str, kind: type[T], *, at: str) -> T:
    """`data[key]`, which must be there and of this kind; raises DataBroken, naming it after `at`, otherwise."""
    found = data.get(key)
    if not isinstance(found, kind) or found in ("", [], {}):
        raise TextFileError(f"{at}: “{key}” must be given, as {kind.__name__}.")
    return found


def list_languages(family: str) -> list[str]:
    """The languages in which there is a file of this family of texts."""
    return sorted(file.suffixes[0].removeprefix(".") for file in FOLDER.glob(f"{family}.*.toml"))


def choose_page_language(family: str) -> str:
    """The language of the page where these texts are written in it, and English elsewhere."""
    language = (get_language() or DEFAULT_LANGUAGE).split("-")[0]
    return language if language in list_languages(family) else DEFAULT_LANGUAGE


def paragraphs(data: dict[str, Any], key: str, *, at: str) -> tuple[str, ...]:
    """`data[key]`, a list of texts; raises DataBroken as `entry` does."""
    found = get_entry(data, key, list, at=at)
    if not all(isinstance(paragraph, str) for paragraph in found):
        raise TextFileError(f"{at}: every entry of “{key}” must be text.")
    return tuple(found)
