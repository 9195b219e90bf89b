"""Writes the embedding network: all-MiniLM-L6-v2 as published, quantized to signed bytes.

    .venv/bin/python -m training.embedding --base FOLDER [--to platform/encoders/model]

Nothing is trained. docs/guard-model.md says where the published model comes from.
"""

import argparse
from pathlib import Path

import numpy as np

from encoders.embedding import EMBEDDING_OUTPUT, NETWORK_NAME
from encoders.network import MODEL
from training.encoder import BASE_SHA256, load_base, read_vocabulary, save_card, save_network
from training.graph import build_graph


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--base", type=Path, required=True, help="the published model")
    arguments.add_argument("--to", type=Path, default=MODEL)
    asked = arguments.parse_args()
    weights = {
        name: np.asarray(value)
        for name, value in load_base(asked.base).items()
        if not name.startswith("heads")
    }
    hashes = save_network(
        asked.to, NETWORK_NAME, build_graph(weights, EMBEDDING_OUTPUT), read_vocabulary(asked.base)
    )
    card = {"model": "all-MiniLM-L6-v2", "license": "Apache-2.0", "base": BASE_SHA256, "sha256": hashes}
    save_card(asked.to, NETWORK_NAME, card)


if __name__ == "__main__":
    main()
