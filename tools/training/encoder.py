"""Fine-tunes the encoder on the guard's data and writes it for guard.encoder.

The network is that of guard/encoder.py, written again in JAX, which can differentiate it. Training starts from the
published weights of all-MiniLM-L6-v2 (Apache 2.0), whose hash is given here.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import optax
from numpy.typing import NDArray
from safetensors.numpy import load_file

from encoders.network import ATTENTION_HEADS, LAYERS, VOCABULARY, WIDTH
from encoders.wordpiece import WordPiece
from guard import Category
from guard.encoder import NAME, ODDS_OUTPUT
from training.examples import HEADS, Example
from training.graph import build_graph, quantize_graph

type Weights = dict[str, jax.Array]
type Stored = dict[str, NDArray[np.float32]]

BASE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
EPOCHS, TRAININGS = 2, 2
# The minimum probability of each level, chosen on messages that the encoder had not seen (docs/guard-model.md).
LEVEL_THRESHOLDS: dict[Category, dict[str, float]] = {
    Category.SUICIDE: {"2": 0.35, "3": 0.5},
    Category.SELF_HARM: {"2": 0.35, "3": 0.5},
    Category.EATING_DISORDER: {"2": 0.35, "3": 0.5},
    Category.HOPELESSNESS: {"2": 0.4},
    Category.DISTRESS: {"1": 0.4},
    Category.BULLYING: {"1": 0.4},
    Category.UNSAFE_HOME: {"S": 0.5},
    Category.EXPLOITATION: {"S": 0.5},
    Category.ABOUT_SOMEONE_ELSE: {"0": 0.5},
    Category.SEXUAL: {"0": 0.75},
    Category.HATE: {"0": 0.75},
    Category.VIOLENCE: {"0": 0.75},
    Category.CRIME: {"0": 0.75},
    Category.DRUGS: {"0": 0.75},
    Category.INJECTION: {"0": 0.95},
    Category.COMPANION: {"0": 0.75},
    Category.MEDICAL: {"0": 0.75},
    Category.LEGAL: {"0": 0.75},
}
TRACE = 0.15
_RATE, _HEAD_RATE, _WARM_UP, _DECAY = 1e-4, 5e-3, 0.06, 0.01
_DROP = 0.1
# Label smoothing: without it, the encoder is overconfident.
_DOUBT = 0.02
_FIRST_BIAS = -2.0
_PLACES = 96
# Batch sizes by text length, so that each batch takes about the same time.
_BATCHES = {16: 64, 32: 32, 48: 24, 96: 16}


class Rows[Array](NamedTuple):
    """Training texts: pieces padded with 0, with the label of each head and whether it is known."""

    numbers: Array
    labels: Array
    known: Array
    weight: Array


def tune(examples: Sequence[Example], base: Path, *, seed: int) -> Stored:
    """Return the mean of TRAININGS runs with different seeds. `base` is the folder of the published model.

    Two of them disagree about one ordinary message in twenty; their mean is wrong about fewer (Wortsman et al., 2022,
    “Model soups”). Raises ValueError if the hash of the published weights is wrong.
    """
    trained = [tune_once(examples, base, seed=seed + number) for number in range(TRAININGS)]
    return {name: np.mean([model[name] for model in trained], axis=0) for name in trained[0]}


def tune_once(examples: Sequence[Example], base: Path, *, seed: int) -> Stored:
    weights = load_base_weights(base)
    rows = _build_rows(examples, WordPiece(read_vocabulary(base)))
    chance = np.random.default_rng(seed)
    plan = [batch for _ in range(EPOCHS) for batch in _split_batches(rows, chance)]
    optimizer = _build_optimizer(weights, len(plan))
    state, key = optimizer.init(weights), jax.random.PRNGKey(seed)
    step = jax.jit(partial(_step, optimizer))
    for number, batch in enumerate(plan):
        key, dropping = jax.random.split(key)
        weights, state, loss = step(weights, state, Rows(*map(jnp.asarray, batch)), dropping)
        if number % 100 == 0:
            print(f"step {number} of {len(plan)}: loss {float(loss):.3f}", flush=True)
    return {name: np.asarray(value) for name, value in weights.items()}


def save(folder: Path, stored: Stored, base: Path, *, version: str, data: dict[str, str]) -> None:
    """Write a model for guard.encoder. `save_levels` adds its levels."""
    hashes = save_network(folder, NAME, build_graph(stored, ODDS_OUTPUT), base)
    save_card(folder, NAME, {"version": version, "sha256": hashes, "base": BASE_SHA256, "data": data})


def save_levels(folder: Path) -> None:
    """Write the levels' minimum probabilities to the card, which needs no new training."""
    card = json.loads((folder / f"{NAME}.json").read_text(encoding="utf-8"))
    heads = [
        {"category": str(category), "at": LEVEL_THRESHOLDS[category], "trace": TRACE} for category in HEADS
    ]
    save_card(folder, NAME, card | {"heads": heads})


def save_network(folder: Path, name: str, made: onnx.ModelProto, base: Path) -> dict[str, str]:
    """Write a graph and its vocabulary for encoders.network. Returns the hash of each file."""
    folder.mkdir(exist_ok=True)
    network = f"{name}.onnx"
    (folder / network).write_bytes(quantize_graph(made))
    (folder / VOCABULARY).write_text("\n".join(read_vocabulary(base)), encoding="utf-8")
    return {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in (network, VOCABULARY)}


def save_card(folder: Path, name: str, card: dict[str, Any]) -> None:
    (folder / f"{name}.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def read_vocabulary(base: Path) -> list[str]:
    """Return the published tokenizer's pieces in the order of their ids."""
    pieces: dict[str, int] = json.loads((base / "tokenizer.json").read_text(encoding="utf-8"))["model"][
        "vocab"
    ]
    return sorted(pieces, key=pieces.__getitem__)


def load_base_weights(base: Path) -> Weights:
    """Return the published weights under our names, with new heads that are still near zero."""
    file = base / "model.safetensors"
    if hashlib.sha256(file.read_bytes()).hexdigest() != BASE_SHA256:
        raise ValueError(f"{file} is not all-MiniLM-L6-v2 as it was published")
    old = load_file(file)
    kind = old["embeddings.token_type_embeddings.weight"][0]
    new: Stored = {
        "words": old["embeddings.word_embeddings.weight"],
        "places": old["embeddings.position_embeddings.weight"][:_PLACES] + kind,
        "heads.weight": np.zeros((len(HEADS), WIDTH), np.float32),
        "heads.bias": np.full(len(HEADS), _FIRST_BIAS, np.float32),
    }
    _copy_norm(new, old, "embeddings", "embeddings.LayerNorm")
    for layer in range(LAYERS):
        path = f"encoder.layer.{layer}"
        parts = [f"{path}.attention.self.{part}" for part in ("query", "key", "value")]
        new[f"{layer}.asked.weight"] = np.concatenate([old[f"{part}.weight"] for part in parts])
        new[f"{layer}.asked.bias"] = np.concatenate([old[f"{part}.bias"] for part in parts])
        _copy_dense(new, old, f"{layer}.mixed", f"{path}.attention.output.dense")
        _copy_norm(new, old, f"{layer}.attended", f"{path}.attention.output.LayerNorm")
        _copy_dense(new, old, f"{layer}.inner", f"{path}.intermediate.dense")
        _copy_dense(new, old, f"{layer}.outer", f"{path}.output.dense")
        _copy_norm(new, old, f"{layer}.out", f"{path}.output.LayerNorm")
    return {name: jnp.asarray(value) for name, value in new.items()}


def _copy_dense(new: Stored, old: Stored, name: str, path: str) -> None:
    new[f"{name}.weight"], new[f"{name}.bias"] = old[f"{path}.weight"], old[f"{path}.bias"]


def _copy_norm(new: Stored, old: Stored, name: str, path: str) -> None:
    new[f"{name}.norm"], new[f"{name}.shift"] = old[f"{path}.weight"], old[f"{path}.bias"]


def _build_rows(examples: Sequence[Example], split: WordPiece) -> Rows[NDArray[Any]]:
    numbers, labels, known, weight = list[NDArray[np.int32]](), [], [], []
    for example in examples:
        if pieces := split.read(example.text):
            numbers.append(np.pad(np.array(pieces.numbers, np.int32), (0, _PLACES - len(pieces.numbers))))
            labels.append([head in example.labels for head in HEADS])
            known.append([head in example.known for head in HEADS])
            weight.append(example.weight)
    return Rows(
        np.stack(numbers),
        np.array(labels, np.float32),
        np.array(known, np.float32),
        np.array(weight, np.float32),
    )


def _split_batches(rows: Rows[NDArray[Any]], chance: np.random.Generator) -> Iterator[Rows[NDArray[Any]]]:
    lengths = (rows.numbers > 0).sum(axis=1)
    batches, shorter = list[tuple[int, NDArray[np.intp]]](), 0
    for length, size in _BATCHES.items():
        own = chance.permutation(np.flatnonzero((lengths > shorter) & (lengths <= length)))
        batches += [(length, own[at : at + size]) for at in range(0, len(own) - size + 1, size)]
        shorter = length
    for place in chance.permutation(len(batches)):
        length, own = batches[place]
        yield Rows(rows.numbers[own, :length], rows.labels[own], rows.known[own], rows.weight[own])


def _build_optimizer(weights: Weights, steps: int) -> optax.GradientTransformation:
    def rate(peak: float) -> optax.Schedule:
        return optax.warmup_cosine_decay_schedule(0.0, peak, int(_WARM_UP * steps), steps)

    kinds = {name: "heads" if name.startswith("heads") else "encoder" for name in weights}
    each = {"encoder": optax.adamw(rate(_RATE), weight_decay=_DECAY), "heads": optax.adam(rate(_HEAD_RATE))}
    return optax.chain(optax.clip_by_global_norm(1.0), optax.multi_transform(each, kinds))


def _step(
    optimizer: optax.GradientTransformation,
    weights: Weights,
    state: optax.OptState,
    batch: Rows[jax.Array],
    key: jax.Array,
) -> tuple[Weights, optax.OptState, jax.Array]:
    loss, slope = jax.value_and_grad(_compute_loss)(weights, batch, key)
    change, state = optimizer.update(slope, state, weights)
    return optax.apply_updates(weights, change), state, loss


def _compute_loss(weights: Weights, batch: Rows[jax.Array], key: jax.Array) -> jax.Array:
    wanted = batch.labels * (1 - 2 * _DOUBT) + _DOUBT
    each: jax.Array = (
        optax.sigmoid_binary_cross_entropy(forward(weights, batch.numbers, key), wanted) * batch.known
    )
    return (each.sum(axis=1) * batch.weight).sum() / batch.weight.sum()


def forward(weights: Weights, numbers: jax.Array, key: jax.Array | None = None) -> jax.Array:
    """Return the log-odds of each row and head. With a key, applies dropout for training."""
    keys = iter(jax.random.split(key, 2 + 2 * LAYERS) if key is not None else [None] * (2 + 2 * LAYERS))
    present = (numbers > 0).astype(jnp.float32)
    x = weights["words"][numbers] + weights["places"][: numbers.shape[1]]
    x = _drop_out(_normalize(weights, x, "embeddings"), next(keys))
    unseen = (1 - present)[:, None, None, :] * -1e9
    for layer in range(LAYERS):
        attended = _drop_out(_attend(weights, x, unseen, layer), next(keys))
        x = _normalize(weights, x + attended, f"{layer}.attended")
        inner = jax.nn.gelu(_multiply(weights, x, f"{layer}.inner"), approximate=True)
        x = _normalize(
            weights, x + _drop_out(_multiply(weights, inner, f"{layer}.outer"), next(keys)), f"{layer}.out"
        )
    mean = (x * present[..., None]).sum(axis=1) / present.sum(axis=1, keepdims=True)
    return _multiply(weights, _drop_out(mean, next(keys)), "heads")


def _attend(weights: Weights, x: jax.Array, unseen: jax.Array, layer: int) -> jax.Array:
    rows, length, _ = x.shape
    each = _multiply(weights, x, f"{layer}.asked").reshape(rows, length, 3, ATTENTION_HEADS, -1)
    query, key, value = each.transpose(2, 0, 3, 1, 4)
    near = jax.nn.softmax(query @ key.transpose(0, 1, 3, 2) / math.sqrt(WIDTH // ATTENTION_HEADS) + unseen)
    return _multiply(
        weights, (near @ value).transpose(0, 2, 1, 3).reshape(rows, length, WIDTH), f"{layer}.mixed"
    )


def _multiply(weights: Weights, x: jax.Array, name: str) -> jax.Array:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _normalize(weights: Weights, x: jax.Array, name: str) -> jax.Array:
    x = x - x.mean(axis=-1, keepdims=True)
    spread = jax.lax.rsqrt((x * x).mean(axis=-1, keepdims=True) + 1e-12)
    return x * spread * weights[f"{name}.norm"] + weights[f"{name}.shift"]


def _drop_out(x: jax.Array, key: jax.Array | None) -> jax.Array:
    return x if key is None else jnp.where(jax.random.bernoulli(key, 1 - _DROP, x.shape), x / (1 - _DROP), 0)
