"""Messages written by hand by 36 authors (`written/*`), the encoder's most important data."""

import dataclasses
import tomllib
from collections.abc import Iterator
from pathlib import Path

from guard import Category
from training.examples import Example, read_examples

FOLDER = Path(__file__).parent / "written"
_WEIGHT = 2.0
# What is rare and hard to find counts more.
_WEIGHTS = {
    "crises_en": 2.5,
    "crises_es": 2.5,
    "crises_north": 2.5,
    "crises_south": 2.5,
    "danger_es": 2.5,
    "disguised": 2.5,
    "pairs": 2.5,
    "pairs_es": 2.5,
    "refused_es": 2.5,
    "refused_fourth": 2.5,
    "refused_more": 2.5,
    "refused_third": 2.5,
    "talks": 3.0,
    "talks_adding_up_en": 3.0,
    "talks_adding_up_es": 3.0,
    "talks_dramatic": 3.0,
    "talks_fifth": 3.0,
    "talks_fourth": 3.0,
    "talks_more": 3.0,
    "talks_quiet": 3.0,
    "talks_quiet_more": 3.0,
    "veiled": 2.5,
    "veiled_more_en": 2.5,
    "veiled_more_es": 2.5,
}


def read_written_messages() -> Iterator[Example]:
    """Return all messages in file order. Each is its own group, as no two derive from one another."""
    for file in sorted(FOLDER.glob("*.toml")):
        for entry in tomllib.loads(file.read_text(encoding="utf-8"))["said"]:
            labels = frozenset(map(Category, entry["labels"]))
            for line in entry["lines"].strip().splitlines():
                yield Example(line, labels, group=f"written {line}", weight=_WEIGHT)
    for file in sorted(FOLDER.glob("*.jsonl")):
        for example in read_examples(file):
            weight = _WEIGHTS.get(file.stem, _WEIGHT)
            yield dataclasses.replace(example, group=f"written {example.text}", weight=weight)
