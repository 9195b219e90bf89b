"""Fixtures: a library on disk that a test may change."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from courses.authoring.source import CONTENT_ROOT

MODULE = "en/good-and-bad"
# A valid briefing.
NAME = "2024-02-03-one-thing.md"
WHOLE = """+++
title = "One thing"
summary = "It happened."
[[sources]]
id = "it"
title = "It"
by = "Somebody"
date = "2024"
url = "https://example.org/"
+++

## What happened {#happened}

:::reported it
It did.
:::

## Why it matters {#matters}

It does.
"""


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A copy of a library with one module."""
    shutil.copytree(CONTENT_ROOT / MODULE, tmp_path / "content" / MODULE)
    return tmp_path / "content"


def add_lesson(content: Path) -> None:
    """Give the module of the copy a sixth lesson of a minute."""
    folder = content / MODULE
    (folder / "6-new.md").write_text('+++\ntitle = "New"\nminutes = 1\n+++\n\nSomething new.\n')
    module = folder / "module.md"
    module.write_text(module.read_text().replace("minutes = 30", "minutes = 31"))


@pytest.fixture
def change(content: Path) -> Callable[[str, str, str], int]:
    """Replaces text in one of the module's files and returns its line."""

    def changing(file: str, old: str, new: str) -> int:
        path = content / MODULE / file
        text = path.read_text()
        assert old in text, old
        path.write_text(text.replace(old, new, 1))
        return text[: text.index(old)].count("\n") + 1

    return changing


@pytest.fixture
def folder(content: Path) -> Path:
    """The briefings folder of a library with one module, with one briefing."""
    made = content / "en" / "briefings"
    made.mkdir()
    (made / NAME).write_text(WHOLE)
    return made
