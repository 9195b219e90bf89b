"""Fits the classifier's heads to examples and measures them by cross-validation."""

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from guard import Category
from guard.features import BUCKETS, FEATURES_VERSION, split_windows
from training.examples import Example

type Numbers = NDArray[np.float64]

REGULARIZATION = 12.0
FOLDS = 5
_MAX_WINDOWS = 3
# The minimum probability of each level. It is high where the encoder is better, as either model can stop an ordinary
# message by mistake.
LEVEL_THRESHOLDS: dict[Category, dict[str, float]] = {
    Category.SUICIDE: {"2": 0.65, "3": 0.8},
    Category.SELF_HARM: {"2": 0.55, "3": 0.7},
    Category.EATING_DISORDER: {"2": 0.5, "3": 0.7},
    Category.HOPELESSNESS: {"2": 0.5},
    Category.DISTRESS: {"1": 0.6},
    Category.BULLYING: {"1": 0.5},
    Category.UNSAFE_HOME: {"S": 0.75},
    Category.EXPLOITATION: {"S": 0.6},
    Category.ABOUT_SOMEONE_ELSE: {"0": 0.4},
    Category.SEXUAL: {"0": 0.5},
    Category.HATE: {"0": 0.65},
    Category.VIOLENCE: {"0": 0.5},
    Category.CRIME: {"0": 0.5},
    Category.DRUGS: {"0": 0.4},
    Category.INJECTION: {"0": 0.45},
    Category.COMPANION: {"0": 0.4},
    Category.MEDICAL: {"0": 0.35},
    Category.LEGAL: {"0": 0.35},
}
TRACE = 0.12
"""The minimum probability of a trace, for all heads."""


class Table:
    """Examples as rows of features. A long text has several rows, which share its weight."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self.examples = examples
        owner, indices, values, ends = list[int](), list[int](), list[float](), [0]
        for number, example in enumerate(examples):
            for window in list(split_windows(example.text))[:_MAX_WINDOWS]:
                for buckets in (window.words, window.pieces):
                    indices += sorted(buckets)
                    values += [1 / math.sqrt(len(buckets))] * len(buckets)
                owner.append(number)
                ends.append(len(indices))
        shape = (len(owner), BUCKETS)
        self.rows = csr_matrix((values, indices, ends), shape=shape)
        self.rows.sum_duplicates()
        self.owner = np.array(owner)
        weights = np.array([example.weight for example in examples])
        self.weights: Numbers = weights[self.owner] / np.bincount(self.owner)[self.owner]
        self.folds = np.array([_get_fold(example.group) for example in examples])[self.owner]

    def find_labels(self, category: Category) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return for each row whether the category is known and whether it applies."""
        known = np.array([category in example.known for example in self.examples])
        present = np.array([category in example.labels for example in self.examples])
        return known[self.owner], present[self.owner]

    def max_by_text(self, scores: Numbers) -> Numbers:
        """Return the maximum score of each text's rows; 0 for a text without words."""
        top = np.zeros(len(self.examples))
        np.maximum.at(top, self.owner, scores)
        return top


def _get_fold(group: str) -> int:
    return hashlib.sha256(group.encode()).digest()[0] % FOLDS


def _fit_model(table: Table, category: Category, rows: NDArray[np.bool_]) -> LogisticRegression:
    known, present = table.find_labels(category)
    rows = rows & known
    model = LogisticRegression(C=REGULARIZATION, solver="liblinear", random_state=0, tol=1e-3)
    return model.fit(table.rows[rows], present[rows], sample_weight=table.weights[rows])


def cross_validate(table: Table, category: Category) -> Numbers:
    """Return each text's probability from a head trained without its group."""
    scores = np.zeros(len(table.owner))
    for fold in range(FOLDS):
        out = table.folds == fold
        scores[out] = _fit_model(table, category, ~out).predict_proba(table.rows[out])[:, 1]
    return table.max_by_text(scores)


def fit_head(table: Table, category: Category) -> tuple[dict[str, Any], bytes]:
    """Fit one head. Returns its entry in the model's card, and its weights as signed bytes."""
    model = _fit_model(table, category, np.ones(len(table.owner), dtype=bool))
    weights = model.coef_[0]
    step = float(np.abs(weights).max()) / 127
    entry = {
        "category": str(category),
        "bias": round(float(model.intercept_[0]), 6),
        "step": round(step, 9),
        "at": LEVEL_THRESHOLDS[category],
        "trace": TRACE,
    }
    return entry, np.round(weights / step).astype(np.int8).tobytes()


def save_model(
    folder: Path, heads: list[dict[str, Any]], weights: bytes, *, version: str, data: dict[str, str]
) -> None:
    """Write a model for guard.classifier."""
    folder.mkdir(exist_ok=True)
    (folder / "weights.bin").write_bytes(weights)
    card = {
        "version": version,
        "features": FEATURES_VERSION,
        "buckets": BUCKETS,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "data": data,
        "heads": heads,
    }
    (folder / "model.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
