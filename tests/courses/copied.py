"""Fixtures of a library on disk that a test may write in."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from courses.authoring.source import CONTENT

MODULE = "en/good-and-bad"
# A briefing with nothing wrong in it.
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
    """A library of one module on disk, copied to be written in."""
    shutil.copytree(CONTENT / MODULE, tmp_path / "content" / MODULE)
    return tmp_path / "content"


@pytest.fixture
def change(content: Path) -> Callable[[str, str, str], int]:
    """Replaces some words in one of the module's files; returns the line on which they stood."""

    def changing(file: str, old: str, new: str) -> int:
        path = content / MODULE / file
        text = path.read_text()
        assert old in text, old
        path.write_text(text.replace(old, new, 1))
        return text[: text.index(old)].count("\n") + 1

    return changing


@pytest.fixture
def folder(content: Path) -> Path:
    """The folder of briefings in a library of one module, with one briefing in it."""
    made = content / "en" / "briefings"
    made.mkdir()
    (made / NAME).write_text(WHOLE)
    return made
