"""Write the network that tells which sentences mean alike: all-MiniLM-L6-v2 as it was published, in bytes.

    .venv/bin/python -m training.meaning --base FOLDER [--to platform/meaning/model]

Nothing is trained. docs/guard-model.md says where the published model comes from.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np

from guard.network import VOCABULARY
from meaning.encoder import CARD, MODEL, NETWORK, SENSE
from training.encoder import BASE_SHA256, begun, vocabulary_of
from training.graph import graph, in_bytes


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--base", type=Path, required=True, help="the published model")
    arguments.add_argument("--to", type=Path, default=MODEL)
    asked = arguments.parse_args()
    weights = {
        name: np.asarray(value) for name, value in begun(asked.base).items() if not name.startswith("heads")
    }
    asked.to.mkdir(exist_ok=True)
    (asked.to / NETWORK).write_bytes(in_bytes(graph(weights, SENSE)))
    (asked.to / VOCABULARY).write_text("\n".join(vocabulary_of(asked.base)), encoding="utf-8")
    hashes = {
        name: hashlib.sha256((asked.to / name).read_bytes()).hexdigest() for name in (NETWORK, VOCABULARY)
    }
    card = {"model": "all-MiniLM-L6-v2", "license": "Apache-2.0", "base": BASE_SHA256, "sha256": hashes}
    (asked.to / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
