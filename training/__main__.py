"""Train the guard's classifier and write it where it ships from.

    .venv/bin/python -m training.convert FOLDER SETS
    .venv/bin/python -m training --data SETS [--to platform/guard/model]

The same data and the same locked packages give the same file, byte for byte; model.json names each set's hash.
"""

import argparse
import hashlib
import random
from pathlib import Path
from typing import Any

from guard.classifier import MODEL
from training.convert import TRAINED_ON
from training.examples import HEADS, Example, read
from training.fit import Table, head, save
from training.messages import FOLDER as MESSAGES
from training.messages import drawn

VERSION = "2026.11.1"
SEED = 20261123
TEEN_SET = Path("benchmarks/teen_set/open.jsonl")
_TEEN_WEIGHT = 3.0


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--data", type=Path, required=True, help="the converted sets")
    arguments.add_argument("--to", type=Path, default=MODEL)
    asked = arguments.parse_args()
    examples, hashes = gathered(asked.data)
    table = Table(examples)
    entries, weights = list[dict[str, Any]](), b""
    for category in HEADS:
        entry, own = head(table, category)
        entries.append(entry)
        weights += own
    save(asked.to, entries, weights, version=VERSION, data=hashes)


def gathered(folder: Path) -> tuple[list[Example], dict[str, str]]:
    """Everything to train on, in a fixed order, and the hash of each file it came from."""
    examples, hashes = list(drawn(random.Random(SEED))), dict[str, str]()
    for file in [*(folder / f"{name}.jsonl" for name in TRAINED_ON), TEEN_SET]:
        hashes[file.name if file != TEEN_SET else "teen_set/open.jsonl"] = _hash(file)
        examples += [_weighed(example) if file == TEEN_SET else example for example in read(file)]
    hashes |= {f"messages/{file.name}": _hash(file) for file in sorted(MESSAGES.glob("*.toml"))}
    return examples, hashes


def _weighed(example: Example) -> Example:
    return Example(example.text, example.labels, example.known, example.group, _TEEN_WEIGHT, example.level)


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
