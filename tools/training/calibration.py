"""Chooses the encoder's temperatures, and writes them and the thresholds to its card.

A temperature makes a head's probabilities true on texts that it was not trained on (Guo et al., 2017, “On calibration
of modern neural networks”). The thresholds were chosen by hand, on the same texts (docs/guard-model.md).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.card import ModelCard
from encoders.network import Network
from guard.encoder import NAME
from training.encoder import save_card
from training.targets import NAMES, Target

type Numbers = NDArray[np.float64]

THRESHOLDS: dict[str, Any] = {
    "card": 0.45,
    "pause_by_card": 0.25,
    "imminent": 0.3,
    "unsafe": 0.3,
    "pause_by_unsafe": 0.1,
    "pause_by_hint": 0.65,
    "stress": 0.3,
    "about_someone_else": 0.5,
    "trace": 0.15,
    "answer": 0.4,
    "refused": {
        "method": 0.3,
        "sexual": 0.1,
        "hate": 0.1,
        "violence": 0.1,
        "crime": 0.15,
        "drugs": 0.05,
        "injection": 0.15,
        "companion": 0.15,
        "medical": 0.06,
        "legal": 0.06,
    },
}
_TEMPERATURES = np.geomspace(0.5, 3.0, 37)
_MIN_OF_EACH = 20


def calibrate(folder: Path, held_out: Sequence[Target]) -> None:
    """Write the temperature of each head, and THRESHOLDS, to the card of the encoder in `folder`."""
    odds, wanted, known = score_targets(folder, held_out)
    heads = [
        {"name": name, "temperature": choose_temperature(odds[known[:, n], n], wanted[known[:, n], n])}
        for n, name in enumerate(NAMES)
    ]
    card = json.loads((folder / f"{NAME}.json").read_text(encoding="utf-8"))
    save_card(folder, NAME, card | {"heads": heads, "thresholds": THRESHOLDS})


def score_targets(folder: Path, targets: Sequence[Target]) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
    """Return, for each target and head, the log-odds, what is wanted, and whether that is known."""
    network = Network(folder, NAME, ModelCard)
    odds = np.zeros((len(targets), len(NAMES)))
    wanted, known = np.zeros_like(odds), np.zeros(odds.shape, np.bool_)
    for row, target in enumerate(targets):
        if pieces := network.tokenize_after(target.earlier, target.text):
            odds[row] = network.run(pieces)
        for name, value in target.wanted.items():
            wanted[row, NAMES.index(name)], known[row, NAMES.index(name)] = value, True
    return odds, wanted, known


def choose_temperature(odds: Numbers, wanted: Numbers) -> float:
    """Return the temperature with the smallest log loss; 1 with fewer than _MIN_OF_EACH texts on either side."""
    if not _MIN_OF_EACH <= wanted.sum() <= len(wanted) - _MIN_OF_EACH:
        return 1.0
    losses = [
        np.logaddexp(0, np.where(wanted == 1, -1, 1) * odds / temperature).mean()
        for temperature in _TEMPERATURES
    ]
    return round(float(_TEMPERATURES[int(np.argmin(losses))]), 3)
