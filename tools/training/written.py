"""Messages that were written one by one, by four hands (`written/*`). The encoder learns most here."""

import dataclasses
import tomllib
from collections.abc import Iterator
from pathlib import Path

from guard import Category
from training.examples import Example, read_examples

FOLDER = Path(__file__).parent / "written"
_WEIGHT = 2.0


def read_written_messages() -> Iterator[Example]:
    """All of them, in the order of the files. A line is a group of its own: no two were made from one."""
    for file in sorted(FOLDER.glob("*.toml")):
        for entry in tomllib.loads(file.read_text(encoding="utf-8"))["said"]:
            labels = frozenset(map(Category, entry["labels"]))
            for line in entry["lines"].strip().splitlines():
                yield Example(line, labels, group=f"written {line}", weight=_WEIGHT)
    for file in sorted(FOLDER.glob("*.jsonl")):
        for example in read_examples(file):
            yield dataclasses.replace(example, group=f"written {example.text}", weight=_WEIGHT)
