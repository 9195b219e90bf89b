"""Replies that a real model gave earlier. A lab shows them before the first run, and while no model answers.

`manage.py save_lab_examples` asks the site's model and writes the files again. A test compares them with the model's
replies.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.formats import date_format

from kit.languages import get_page_language
from labs.lab import Json

FOLDER = Path(__file__).with_name("examples")


@dataclass(frozen=True, kw_only=True)
class SavedExample:
    """What was given to a lab, what the model replied, which model it was, and when."""

    given: Mapping[str, Any]
    raw: Json
    model: str
    on: date

    @property
    def day(self) -> str:
        return date_format(self.on)


def get_example_path(slug: str, language: str) -> Path:
    return FOLDER / f"{slug}.{language}.json"


def find_saved_example(slug: str, language: str | None = None) -> SavedExample | None:
    """Return the saved example of a lab in the page's language, or None."""
    return _read(slug, language or get_page_language())


@cache
def _read(slug: str, language: str) -> SavedExample | None:
    path = get_example_path(slug, language)
    if not path.exists():
        return None
    read = json.loads(path.read_text(encoding="utf-8"))
    return SavedExample(
        given=read["given"], raw=read["raw"], model=read["model"], on=date.fromisoformat(read["on"])
    )


def write_saved_example(slug: str, language: str, saved: SavedExample) -> None:
    content = {
        "model": saved.model,
        "on": saved.on.isoformat(),
        "given": dict(saved.given),
        "raw": saved.raw,
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    get_example_path(slug, language).write_text(f"{text}\n", encoding="utf-8")
    _read.cache_clear()
