"""Labeled texts, in the format between the public data sets and training or evaluation."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guard import Category
from guard.levels import REFUSED

HEADS = (
    Category.SUICIDE,
    Category.SELF_HARM,
    Category.EATING_DISORDER,
    Category.HOPELESSNESS,
    Category.DISTRESS,
    Category.BULLYING,
    Category.UNSAFE_HOME,
    Category.EXPLOITATION,
    Category.ABOUT_SOMEONE_ELSE,
    *(category for category in REFUSED if category != Category.METHOD),
)
"""The categories with a head. Personal details are found by patterns, and methods belong to their purpose."""

HARM_TO_SELF = frozenset({Category.SUICIDE, Category.SELF_HARM, Category.EATING_DISORDER})
REQUESTS = frozenset(HEADS[HEADS.index(Category.SEXUAL) :])


@dataclass(frozen=True)
class Example:
    """A text with its labels. A category that is not `known` is neither present nor absent.

    Texts that derive from one another share a `group`, which is never on both sides of a split. `weight` is how much
    the text counts. `level` is "", `is_imminent` None and `before` empty if the data set does not say. With `adds_up`
    the text alone would have a lower level than after `before`.
    """

    text: str
    labels: frozenset[Category]
    known: frozenset[Category] = frozenset(HEADS)
    group: str = ""
    weight: float = 1.0
    level: str = ""
    before: tuple[tuple[str, str], ...] = ()
    is_imminent: bool | None = None
    is_spanish: bool = False
    adds_up: bool = False


def read_examples(file: Path) -> Iterator[Example]:
    """Read examples from JSON lines: {"text", "labels"}, or the format of benchmarks/teen_set.

    If only some categories were judged, "known" lists them.
    """
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            row: dict[str, Any] = json.loads(line)
            turns = [(turn["role"], turn["text"]) for turn in row.get("turns", ())] or [("user", row["text"])]
            yield Example(
                text=turns[-1][1],
                labels=frozenset(map(Category, row.get("labels", row.get("categories", ())))),
                known=frozenset(map(Category, row.get("known", HEADS))),
                group=f"{file.stem} {number}",
                level=str(row.get("level", "")),
                before=tuple(turns[:-1]),
                is_imminent=row.get("imminent"),
                is_spanish=bool({"es", "mixed"} & {*row.get("tags", ()), row.get("language", "")}),
                adds_up="adds_up" in row.get("tags", ()),
            )


def write_examples(file: Path, examples: Iterable[Example]) -> int:
    """Write examples as JSON lines. Returns the number of rows."""
    rows = 0
    with file.open("w", encoding="utf-8") as lines:
        for example in examples:
            row: dict[str, Any] = {"text": example.text, "labels": sorted(example.labels)}
            if example.known != frozenset(HEADS):
                row["known"] = sorted(example.known)
            if example.is_spanish:
                row["language"] = "es"
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
            rows += 1
    return rows
