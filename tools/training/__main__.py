"""Train the guard's models and write them to the folders that are shipped.

    .venv/bin/python -m training.convert FOLDER SETS
    .venv/bin/python -m training --data SETS [--base FOLDER] [--to FOLDER]

The heads take a minute. With `--base`, the folder of all-MiniLM-L6-v2 as published, the encoder is fine-tuned too,
which takes an hour on two cores. Without it only the encoder's levels are written again. The same data and the same
locked packages give the same heads, byte for byte; an encoder fine-tuned on another processor differs by rounding. Each
card has the hash of every file that the model was trained on. `--to` writes both models to one other folder.
"""

import argparse
import dataclasses
import hashlib
import random
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from encoders.network import MODEL as ENCODER_MODEL
from guard.classifier import MODEL
from guard.conversation import PERSON_ROLE, join_last_two
from guard.rule_books import FILES as RULE_FILES
from training import encoder
from training.convert import TRAINED_ON
from training.examples import HEADS, Example, read_examples
from training.fit import Table, fit_head, save_model
from training.messages import FOLDER as MESSAGES
from training.messages import RULES, TESTED, draw_messages, imitate_typing
from training.written import FOLDER as WRITTEN
from training.written import read_written_messages

VERSION = "2026.11.5"
SEED = 20261123
TEEN_SET = Path("benchmarks/teen_set/open.jsonl")
LOOK_ALIKES = Path("benchmarks/look_alikes/alike_open.jsonl")
_TEEN_WEIGHT = 3.0
_DRAWN_FOR_ENCODER = 6
_PAIRED = 3


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--data", type=Path, required=True, help="the converted sets")
    arguments.add_argument("--base", type=Path, help="the published model that the encoder begins with")
    arguments.add_argument("--to", type=Path)
    asked = arguments.parse_args()
    to_heads, to_encoder = asked.to or MODEL, asked.to or ENCODER_MODEL
    examples, hashes = gather_examples(asked.data)
    table = Table(examples)
    entries, weights = list[dict[str, Any]](), b""
    for category in HEADS:
        entry, own = fit_head(table, category)
        entries.append(entry)
        weights += own
    save_model(to_heads, entries, weights, version=VERSION, data=hashes)
    if asked.base:
        stored = encoder.tune(list(select_for_encoder(examples)), asked.base, seed=SEED)
        encoder.save(to_encoder, stored, asked.base, version=VERSION, data=hashes)
    encoder.save_levels(to_encoder)


def gather_examples(folder: Path) -> tuple[list[Example], dict[str, str]]:
    """Return all training examples in a fixed order, and the hash of each source file."""
    sets = [*(folder / f"{name}.jsonl" for name in TRAINED_ON), LOOK_ALIKES, TEEN_SET]
    examples = list(draw_messages(random.Random(SEED)))
    for file in sets:
        examples += [
            _set_teen_weight(example) if file == TEEN_SET else example for example in read_examples(file)
        ]
    examples = [_join_with_previous(example) for example in [*examples, *read_written_messages()]]
    sources = [
        *sets,
        TESTED,
        *(RULE_FILES / f"{name}.toml" for name in RULES),
        *sorted(MESSAGES.glob("*.toml")),
        *sorted(WRITTEN.glob("*.*l")),
    ]
    return examples, {f"{file.parent.name}/{file.name}": _hash(file) for file in sources}


def select_for_encoder(examples: list[Example]) -> Iterator[Example]:
    """Select the examples for fine-tuning the encoder.

    The encoder knows language already, so one of many similar messages is enough, and written messages count more than
    generated ones.
    """
    chance = random.Random(SEED)
    drawn_from = {*(file.stem for file in MESSAGES.glob("*.toml")), "hatecheck"}
    drawn_so_far = 0
    yield from _join_pairs([example for example in examples if example.group.startswith("written ")], chance)
    for example in examples:
        kind = example.group.split(" ")[0]
        if kind in {"written", LOOK_ALIKES.stem}:
            yield example
            yield dataclasses.replace(example, text=_type_carelessly(example.text))
            yield dataclasses.replace(example, text=imitate_typing(_type_carelessly(example.text), chance))
        elif kind in drawn_from:
            drawn_so_far += 1
            if drawn_so_far % _DRAWN_FOR_ENCODER == 0:
                yield example
        elif not kind.startswith(("en.", "es.", "care.", "ask.")):
            yield example


def _join_pairs(examples: list[Example], chance: random.Random) -> Iterator[Example]:
    """Pair ordinary messages: two in a row are ordinary too."""
    plain = [example for example in examples if not example.labels and example.known == frozenset(HEADS)]
    chance.shuffle(plain)
    for before, last in pairwise(plain[::_PAIRED]):
        yield dataclasses.replace(last, text=join_last_two(before.text, last.text))


def _type_carelessly(text: str) -> str:
    """Remove capitals and punctuation, as in most texts typed on a phone."""
    return re.sub(r"[^\w\s]", "", text.lower())


def _join_with_previous(example: Example) -> Example:
    """Join the last message with the person's one before, as the encoder reads them."""
    earlier_texts = [text for role, text in example.before if role == PERSON_ROLE]
    return (
        dataclasses.replace(example, text=join_last_two(earlier_texts[-1], example.text))
        if earlier_texts
        else example
    )


def _set_teen_weight(example: Example) -> Example:
    return dataclasses.replace(example, weight=_TEEN_WEIGHT)


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
