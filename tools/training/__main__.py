"""Train the guard's models and write them to the folders that are shipped.

    .venv/bin/python -m training.convert FOLDER SETS
    .venv/bin/python -m training --data SETS [--previous FILE | --base FOLDER] [--to FOLDER]

The heads take a minute. With `--previous`, the guard.onnx of the version before (in this repository's history), the
encoder is fine-tuned too, which takes forty minutes on two cores; with `--base`, the folder of all-MiniLM-L6-v2 as
published, it begins there. Without either, only the encoder's temperatures, thresholds and early exit are written
again. The same data and the same locked packages give the same heads, byte for byte; an encoder fine-tuned on another
processor differs by rounding. Each card has the hash of every file that the model was trained on. `--to` writes both
models to one other folder.
"""

import argparse
import dataclasses
import hashlib
import random
from pathlib import Path
from typing import Any

from encoders.network import MODEL as ENCODER_MODEL
from encoders.network import VOCABULARY
from guard.classifier import MODEL
from guard.conversation import PERSON_ROLE
from guard.rule_books import FILES as RULE_FILES
from training import calibration, early_exit, encoder
from training.convert import TRAINED_ON
from training.examples import HEADS, Example, read_examples
from training.fit import Table, fit_head, save_model
from training.messages import FOLDER as MESSAGES
from training.messages import RULES, TESTED, draw_messages
from training.targets import (
    ANSWERS,
    BESIDE_HOMEWORK,
    Target,
    build_single_targets,
    build_target,
    is_held_out,
    read_answer_targets,
    read_homework_targets,
    read_plain_answers,
)
from training.written import FOLDER as WRITTEN
from training.written import read_written_messages

VERSION = "2026.11.10"
SEED = 20261123
TEEN_SET = Path("benchmarks/teen_set/open.jsonl")
LOOK_ALIKES = Path("benchmarks/look_alikes/alike_open.jsonl")
_TEEN_WEIGHT = 3.0


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--data", type=Path, required=True, help="the converted sets")
    begin = arguments.add_mutually_exclusive_group()
    begin.add_argument("--previous", type=Path, help="the network of the version before, to continue")
    begin.add_argument("--base", type=Path, help="the published model, to begin with")
    arguments.add_argument("--to", type=Path)
    asked = arguments.parse_args()
    to_heads, to_encoder = asked.to or MODEL, asked.to or ENCODER_MODEL
    examples, hashes = gather_examples(asked.data)
    table = Table([_join_with_previous(example) for example in examples])
    entries, weights = list[dict[str, Any]](), b""
    for category in HEADS:
        entry, own = fit_head(table, category)
        entries.append(entry)
        weights += own
    save_model(to_heads, entries, weights, version=VERSION, data=hashes)
    targets = gather_targets(asked.data)
    if asked.previous or asked.base:
        start = encoder.load_previous(asked.previous) if asked.previous else encoder.load_base(asked.base)
        vocabulary = (ENCODER_MODEL / VOCABULARY).read_text(encoding="utf-8").split("\n")
        stored = encoder.tune([t for t in targets if not is_held_out(t)], start, vocabulary, seed=SEED)
        encoder.save(to_encoder, stored, vocabulary, version=VERSION, data=hashes)
    calibration.calibrate(to_encoder, [t for t in targets if is_held_out(t)])
    early_exit.save_early_exit(to_encoder, targets, version=VERSION, seed=SEED)


def gather_examples(folder: Path) -> tuple[list[Example], dict[str, str]]:
    """Return all training examples in a fixed order, and the hash of each source file."""
    sets = [*(folder / f"{name}.jsonl" for name in TRAINED_ON), LOOK_ALIKES, TEEN_SET]
    examples = list(draw_messages(random.Random(SEED)))
    for file in sets:
        examples += [
            _set_teen_weight(example) if file == TEEN_SET else example for example in read_examples(file)
        ]
    examples += read_written_messages()
    sources = [
        *sets,
        TESTED,
        ANSWERS,
        *sorted(BESIDE_HOMEWORK.glob("*.jsonl")),
        *(RULE_FILES / f"{name}.toml" for name in RULES),
        *sorted(MESSAGES.glob("*.toml")),
        *sorted(WRITTEN.glob("*.*l")),
    ]
    # The folder of the converted sets may have any name.
    names = {file: f"{'sets' if file.parent == folder else file.parent.name}/{file.name}" for file in sources}
    return examples, {name: _hash(file) for file, name in names.items()}


def gather_targets(folder: Path) -> list[Target]:
    """Return what the encoder is tuned and calibrated on. It learns nothing from the phrases of rules."""
    examples, _ = gather_examples(folder)
    of_rules = ("en.", "es.", "care.", "ask.")
    targets = [build_target(e) for e in examples if not e.group.startswith(of_rules)]
    plain = read_plain_answers(targets, random.Random(SEED))
    singles = build_single_targets(examples)
    return [*targets, *singles, *read_homework_targets(), *read_answer_targets(), *plain]


def _join_with_previous(example: Example) -> Example:
    """Join a last message with the person's one before it, as the heads over words read nothing else."""
    earlier = [text for role, text in example.before if role == PERSON_ROLE]
    return dataclasses.replace(example, text=f"{earlier[-1]}. {example.text}") if earlier else example


def _set_teen_weight(example: Example) -> Example:
    return dataclasses.replace(example, weight=_TEEN_WEIGHT)


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
