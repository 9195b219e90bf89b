"""Fine-tunes the encoder on the guard's data and writes it for guard.encoder.

The network is that of guard/encoder.py, written again in JAX, which can differentiate it. Training starts from an
earlier version of the guard's encoder, or from the published weights of all-MiniLM-L6-v2 (Apache 2.0), whose hash is
given here.
"""

import hashlib
import json
import math
import random
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
from onnx import numpy_helper
from safetensors.numpy import load_file

from encoders.network import ATTENTION_HEADS, LAYERS, VOCABULARY, WIDTH
from encoders.wordpiece import MAX_PIECES, WordPiece
from guard.encoder import NAME, ODDS_OUTPUT
from training.graph import EXIT, build_graph, quantize_graph
from training.targets import NAMES, Target, draw_epoch

type Weights = dict[str, jax.Array]
type Stored = dict[str, NDArray[np.float32]]

BASE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PREVIOUS_SHA256 = "df5e9d07f19b8680e59aee8a8b00a4706f2cbfbe488ff3ad5b46955bfc96b2fe"
"""The network of version 2026.11.8, which continued earlier ones, which took an hour from the published weights."""
EPOCHS = 1
_RATE, _HEAD_RATE, _WARM_UP, _DECAY = 7e-5, 5e-3, 0.06, 0.01
_DROP = 0.1
# Label smoothing: without it, the encoder is overconfident.
_DOUBT = 0.02
_FIRST_BIAS = -2.0
_PLACES = MAX_PIECES + 2
# Batch sizes by text length, so that each batch takes about the same time.
_BATCHES = {12: 96, 16: 64, 24: 48, 32: 32, 48: 24, 64: 18, _PLACES: 12}


class Rows[Array](NamedTuple):
    """Texts as pieces padded with 0, where each text begins after its earlier texts, and what each head should say.

    `known` is 0 where nothing is known of a head.
    """

    numbers: Array
    begin: Array
    wanted: Array
    known: Array
    weight: Array


def tune(targets: Sequence[Target], start: Weights, vocabulary: Sequence[str], *, seed: int) -> Stored:
    """Return the weights after EPOCHS epochs. `start` is what `load_previous` or `load_base` returned."""
    chance, order = random.Random(seed), np.random.default_rng(seed)
    split = WordPiece(vocabulary)
    plan = [
        batch
        for epoch in range(EPOCHS)
        for batch in _split_batches(build_rows(list(draw_epoch(targets, epoch, chance)), split), order)
    ]
    optimizer = _build_optimizer(start, len(plan))
    weights, state, key = start, optimizer.init(start), jax.random.PRNGKey(seed)
    step = jax.jit(partial(_step, optimizer))
    for number, batch in enumerate(plan):
        key, dropping = jax.random.split(key)
        weights, state, loss = step(weights, state, Rows(*map(jnp.asarray, batch)), dropping)
        if number % 100 == 0:
            print(f"step {number} of {len(plan)}: loss {float(loss):.3f}", flush=True)
    return {name: np.asarray(value) for name, value in weights.items()}


def save(
    folder: Path, stored: Stored, vocabulary: Sequence[str], *, version: str, data: dict[str, str]
) -> None:
    """Write a model for guard.encoder, which `training.calibration` and `training.early_exit` complete."""
    hashes = save_network(folder, NAME, build_graph(stored, ODDS_OUTPUT), vocabulary)
    card = {
        "version": version,
        "sha256": hashes,
        "base": BASE_SHA256,
        "previous": PREVIOUS_SHA256,
        "data": data,
    }
    save_card(folder, NAME, card)


def save_network(folder: Path, name: str, made: onnx.ModelProto, vocabulary: Sequence[str]) -> dict[str, str]:
    """Write a graph and its vocabulary for encoders.network. Returns the hash of each file."""
    folder.mkdir(exist_ok=True)
    network = f"{name}.onnx"
    (folder / network).write_bytes(quantize_graph(made))
    (folder / VOCABULARY).write_text("\n".join(vocabulary), encoding="utf-8")
    return {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in (network, VOCABULARY)}


def save_card(folder: Path, name: str, card: dict[str, Any]) -> None:
    (folder / f"{name}.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def read_vocabulary(base: Path) -> list[str]:
    """Return the published tokenizer's pieces in the order of their ids."""
    pieces: dict[str, int] = json.loads((base / "tokenizer.json").read_text(encoding="utf-8"))["model"][
        "vocab"
    ]
    return sorted(pieces, key=pieces.__getitem__)


def load_previous(network: Path) -> Weights:
    """Return the weights of PREVIOUS_SHA256, whose bytes are multiplied by their scales."""
    content = network.read_bytes()
    if hashlib.sha256(content).hexdigest() != PREVIOUS_SHA256:
        raise ValueError(f"{network} is not the network that this training continues")
    found = {c.name: numpy_helper.to_array(c) for c in onnx.load_from_string(content).graph.initializer}
    old: Stored = {}
    for name, value in found.items():
        if whole := name.removesuffix("_quantized") if name.endswith("_quantized") else "":
            zero = found[f"{whole}_zero_point"].astype(np.float32)
            value = (value.astype(np.float32) - zero) * found[f"{whole}_scale"]  # noqa: PLW2901
        is_weight = value.dtype == np.float32 and value.ndim and not name.endswith("_scale")
        if is_weight and not name.startswith(EXIT):
            own = whole or name
            old[own] = np.ascontiguousarray(value.T) if own.endswith(".weight") else value
    return {name: jnp.asarray(value) for name, value in old.items()}


def load_base(base: Path) -> Weights:
    """Return the published weights under our names, with new heads that are still near zero."""
    file = base / "model.safetensors"
    if hashlib.sha256(file.read_bytes()).hexdigest() != BASE_SHA256:
        raise ValueError(f"{file} is not all-MiniLM-L6-v2 as it was published")
    old = load_file(file)
    kind = old["embeddings.token_type_embeddings.weight"][0]
    new: Stored = {
        "words": old["embeddings.word_embeddings.weight"],
        "places": old["embeddings.position_embeddings.weight"][:_PLACES] + kind,
        "heads.weight": np.zeros((len(NAMES), WIDTH), np.float32),
        "heads.bias": np.full(len(NAMES), _FIRST_BIAS, np.float32),
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


def build_rows(targets: Sequence[Target], split: WordPiece) -> Rows[NDArray[Any]]:
    """Build the rows of all targets that have words."""
    runs = [(split.tokenize_after(target.earlier, target.text), target) for target in targets]
    read = [(run, target) for run, target in runs if run is not None]
    numbers = np.zeros((len(read), _PLACES), np.int32)
    wanted, known = np.zeros((2, len(read), len(NAMES)), np.float32)
    for row, (run, target) in enumerate(read):
        numbers[row, : len(run.token_ids)] = run.token_ids
        for name, value in target.wanted.items():
            wanted[row, NAMES.index(name)], known[row, NAMES.index(name)] = value, 1
    begin = np.array([run.begin for run, _ in read], np.int32)
    return Rows(numbers, begin, wanted, known, np.array([target.weight for _, target in read], np.float32))


def _split_batches(rows: Rows[NDArray[Any]], order: np.random.Generator) -> Iterator[Rows[NDArray[Any]]]:
    lengths = (rows.numbers > 0).sum(axis=1)
    batches, shorter = list[tuple[int, NDArray[np.intp]]](), 0
    for length, size in _BATCHES.items():
        own = order.permutation(np.flatnonzero((lengths > shorter) & (lengths <= length)))
        batches += [(length, own[at : at + size]) for at in range(0, len(own) - size + 1, size)]
        shorter = length
    for place in order.permutation(len(batches)):
        length, own = batches[place]
        yield Rows(rows.numbers[own, :length], *(part[own] for part in rows[1:]))


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
    wanted = batch.wanted * (1 - 2 * _DOUBT) + _DOUBT
    odds = forward(weights, batch.numbers, batch.begin, key)
    each: jax.Array = optax.sigmoid_binary_cross_entropy(odds, wanted) * batch.known
    return (each.sum(axis=1) * batch.weight).sum() / batch.weight.sum()


def forward(
    weights: Weights, numbers: jax.Array, begin: jax.Array, key: jax.Array | None = None
) -> jax.Array:
    """Return the log-odds of each row and head. With a key, applies dropout for training.

    The heads read the mean over the pieces of the text itself, which attend to those of the earlier texts.
    """
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
    own = present * (jnp.arange(numbers.shape[1]) >= begin[:, None])
    mean = (x * own[..., None]).sum(axis=1) / own.sum(axis=1, keepdims=True)
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
