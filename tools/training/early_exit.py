"""Gives the encoder its early exit: a head that reads the states after the first layers.

It says which sentences of answers need not be read by the last layers, because the whole network would find them safe.
The network itself is not changed. The head is linear: heads with a hidden layer lost more of what new authors wrote
(ADR 61).
"""

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from encoders.network import BEGIN, PIECES, VOCABULARY
from encoders.wordpiece import WordPiece
from guard.encoder import ANSWER, NAME, ODDS_OUTPUT
from guard.levels import REFUSED
from training.calibration import THRESHOLDS
from training.encoder import save_card
from training.graph import (
    EXIT_FEATURES,
    EXIT_LAYERS,
    EXIT_WIDTH,
    ExitHead,
    add_early_exit,
    build_feature_network,
)
from training.targets import ANSWERS, NAMES, Target, is_plain_answer

type Numbers = NDArray[np.float64]

LOST_SHARE = 0.005
"""The share of unsafe sentences by other authors, of those that the whole network finds, that the exit may lose."""
_STRENGTH = 0.001
_PUBLIC_SETS = {"moderation": 1, "hatecheck": 12, "harmbench": 1, "ailuminate": 1}
"""The public sets of which harmful texts are also read as answers, and of which only every nth."""
_PUBLIC_WORDS = 60
_ANSWERS_GROUP, _MOVED = "answers ", "moved "


class Sentence(NamedTuple):
    """A sentence of an answer. Sentences of one `group` are by the same author or from the same set."""

    question: str
    text: str
    is_unsafe: bool
    group: str


def save_early_exit(folder: Path, targets: Sequence[Target], *, version: str, seed: int) -> None:
    """Fit the exit head of the encoder in `folder`, and write it to the network and its limit to the card."""
    file = folder / f"{NAME}.onnx"
    card = json.loads((folder / f"{NAME}.json").read_text(encoding="utf-8"))
    network = file.read_bytes()
    vocabulary = (folder / VOCABULARY).read_text(encoding="utf-8").split("\n")
    sentences = list(read_sentences(targets, random.Random(seed)))
    temperature = next(head["temperature"] for head in card["heads"] if head["name"] == ANSWER)
    features, odds = read_states(network, sentences, vocabulary)
    is_found = odds / temperature >= np.log(THRESHOLDS["answer"] / (1 - THRESHOLDS["answer"]))
    is_unsafe = np.array([sentence.is_unsafe for sentence in sentences])
    # The head learns what the whole network finds, so what it does not find is left out.
    used = np.flatnonzero(is_found | ~is_unsafe)
    groups = [sentences[row].group for row in used]
    head, scores = fit_exit(features[used], is_unsafe[used], groups)
    is_written = np.array([group.startswith(_ANSWERS_GROUP) for group in groups])
    below = float(np.quantile(scores[is_unsafe[used] & is_written], LOST_SHARE))
    file.write_bytes(add_early_exit(network, head))
    card["version"] = version
    card["sha256"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    save_card(folder, NAME, card | {"early_exit": {"layers": EXIT_LAYERS, "below": round(below, 3)}})


def read_sentences(targets: Sequence[Target], chance: random.Random) -> Iterator[Sentence]:
    """Read the written sentences of answers, plain ones, and harmful texts of the public sets.

    Unsafe ones are also read after an ordinary question, or the head would go by the question.
    """
    questions = [t.text for t in targets if t.is_plain and (t.varies or t.kind == "mmlu")]
    for row in map(json.loads, ANSWERS.read_text(encoding="utf-8").splitlines()):
        author = row["id"].split("-")[0]
        group = f"{_ANSWERS_GROUP}{author}"
        yield Sentence(row["question"], row["text"], row["unsafe"], group)
        if row["unsafe"]:
            yield Sentence(chance.choice(questions), row["text"], is_unsafe=True, group=f"{_MOVED}{group}")
    for number, target in enumerate(targets):
        if is_plain_answer(target):
            yield Sentence(target.earlier[0], target.text, is_unsafe=False, group=f"plain {number % 5}")
        elif (every := _PUBLIC_SETS.get(target.kind)) and number % every == 0 and _is_harmful(target):
            yield Sentence(chance.choice(questions), target.text, is_unsafe=True, group=target.kind)


def _is_harmful(target: Target) -> bool:
    return (
        any(target.wanted.get(category) for category in REFUSED) and len(target.text.split()) <= _PUBLIC_WORDS
    )


def read_states(
    network: bytes, sentences: Sequence[Sentence], vocabulary: Sequence[str]
) -> tuple[NDArray[np.float32], Numbers]:
    """Return what the exit head reads of each sentence, and the log-odds that the whole network finds it unsafe."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        build_feature_network(network).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    split, answer = WordPiece(vocabulary), NAMES.index(ANSWER)
    features = np.zeros((len(sentences), EXIT_WIDTH), np.float32)
    odds = np.zeros(len(sentences))
    for row, sentence in enumerate(sentences):
        if run := split.tokenize_after([sentence.question], sentence.text):
            inputs = {PIECES: np.array([run.token_ids]), BEGIN: np.array([run.begin])}
            (features[row],), (each,) = session.run([EXIT_FEATURES, ODDS_OUTPUT], inputs)
            odds[row] = each[answer]
    return features, odds


def fit_exit(
    features: NDArray[np.float32], is_unsafe: NDArray[np.bool_], groups: Sequence[str]
) -> tuple[ExitHead, Numbers]:
    """Return the head, and for each sentence the log-odds from a head that was fitted without its group."""
    group = np.array([name.removeprefix(_MOVED) for name in groups])
    scores = np.zeros(len(group))
    for name in sorted(set(group)):
        out = group == name
        scores[out] = _apply(_fit(features[~out], is_unsafe[~out]), features[out])
    return _fit(features, is_unsafe), scores


def _fit(features: NDArray[np.float32], is_unsafe: NDArray[np.bool_]) -> ExitHead:
    scaler = StandardScaler().fit(features)
    model = LogisticRegression(C=_STRENGTH, max_iter=100).fit(scaler.transform(features), is_unsafe)
    weights = model.coef_[0] / scaler.scale_
    bias = model.intercept_[0] - weights @ scaler.mean_
    return ExitHead(weights.astype(np.float32), np.float32(bias))


def _apply(head: ExitHead, features: NDArray[np.float32]) -> Numbers:
    scores: Numbers = features.astype(np.float64) @ head.weights + head.bias
    return scores
