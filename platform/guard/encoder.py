"""A small transformer that reads a message as a whole. docs/guard-model.md is its model card.

It is MiniLM (Wang et al., 2020): six layers of BERT (Devlin et al., 2019), 384 wide, tuned on the guard's own data.
"""

import hashlib
import json
import math
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from guard.heads import Kind, ModelFault, Reading, head_of, nothing_read, reading
from guard.wordpiece import Pieces, WordPiece

type Numbers = NDArray[np.float32]

LAYER = "encoder"
MODEL = Path(__file__).parent / "model"
CARD, WEIGHTS, VOCABULARY = "encoder.json", "encoder.npz", "vocabulary.txt"
LAYERS, WIDTH, ATTENTION_HEADS = 6, 384, 12
_TINY = np.float32(1e-12)
_FAR = np.float32(-1e9)
_GELU, _CUBIC = np.float32(math.sqrt(2 / math.pi)), np.float32(0.044715)


class Encoder:
    """One model, as `training.encoder` writes it: signed bytes, and a scale for each row of a matrix.

    Raises ModelFault where its files are not those that its card names.
    """

    def __init__(self, folder: Path = MODEL) -> None:
        try:
            card = json.loads((folder / CARD).read_text(encoding="utf-8"))
            weights = _read(folder / WEIGHTS, card["sha256"])
            vocabulary = _read(folder / VOCABULARY, card["sha256"])
        except (OSError, KeyError, ValueError) as fault:
            raise ModelFault(f"the encoder in {folder.name} cannot be read: {fault}") from fault
        self.version: str = card["version"]
        self.heads = [head_of(entry) for entry in card["heads"]]
        # One message is a small sum: threads of the algebra library would only fight with those of the server.
        threadpool_limits(1, user_api="blas")
        with np.load(BytesIO(weights), allow_pickle=False) as stored:
            names = [name for name in stored.files if not name.endswith(".scale")]
            self._weights = {name: _widened(stored, name) for name in names}
        if self._weights["heads.bias"].shape != (len(self.heads),):
            raise ModelFault(f"{WEIGHTS} does not fit the heads of {CARD}")
        self._split = WordPiece(vocabulary.decode().split("\n"))

    def read(self, text: str, place: tuple[int, int], kind: Kind) -> Reading:
        """What the heads find in the place of a text, `text[start:end]`, that another reader was surest of.

        As much is read as 64 words hold: that bounds the time a message takes. `kind` is that of the whole text.
        """
        start, end = place
        pieces = self.pieces(text[start:end])
        if not pieces:
            return nothing_read(LAYER)
        (odds,) = self.scores([pieces])
        probabilities = 1 / (1 + np.exp(-odds))
        tops = {
            head.category: (float(probabilities[n]), -start, start + pieces.end)
            for n, head in enumerate(self.heads)
        }
        return reading(self.heads, tops, kind, doubt=place, layer=LAYER)

    def scores(self, texts: list[Pieces]) -> Numbers:
        """Log-odds, a row a text and a column a head."""
        longest = max(len(pieces.numbers) for pieces in texts)
        numbers = np.zeros((len(texts), longest), dtype=np.intp)
        for row, pieces in enumerate(texts):
            numbers[row, : len(pieces.numbers)] = pieces.numbers
        return self._forward(numbers, numbers > 0)

    def pieces(self, text: str) -> Pieces | None:
        """A text as the network reads it."""
        return self._split.read(text)

    def _forward(self, numbers: NDArray[np.intp], there: NDArray[np.bool_]) -> Numbers:
        weights = self._weights
        x = weights["words"][numbers] + weights["places"][: numbers.shape[1]]
        x = self._normed(x, "embeddings")
        unseen = np.where(there, np.float32(0), _FAR)[:, None, None, :]
        for layer in range(LAYERS):
            x = self._normed(x + self._attended(x, unseen, layer), f"{layer}.attended")
            inner = self._dense(x, f"{layer}.inner")
            inner *= np.float32(0.5) * (1 + np.tanh(_GELU * (inner + _CUBIC * inner * inner * inner)))
            x = self._normed(x + self._dense(inner, f"{layer}.outer"), f"{layer}.out")
        mean = (x * there[..., None]).sum(axis=1) / there.sum(axis=1, keepdims=True)
        return self._dense(mean.astype(np.float32), "heads")

    def _attended(self, x: Numbers, unseen: Numbers, layer: int) -> Numbers:
        rows, length, _ = x.shape
        each = self._dense(x, f"{layer}.asked").reshape(
            rows, length, 3, ATTENTION_HEADS, WIDTH // ATTENTION_HEADS
        )
        query, key, value = each.transpose(2, 0, 3, 1, 4)
        near = query @ key.transpose(0, 1, 3, 2) / np.float32(math.sqrt(WIDTH // ATTENTION_HEADS)) + unseen
        near = np.exp(near - near.max(axis=-1, keepdims=True))
        near /= near.sum(axis=-1, keepdims=True)
        return self._dense(
            (near @ value).transpose(0, 2, 1, 3).reshape(rows, length, WIDTH), f"{layer}.mixed"
        )

    def _dense(self, x: Numbers, name: str) -> Numbers:
        flat = x.reshape(-1, x.shape[-1]) @ self._weights[f"{name}.weight"]
        flat += self._weights[f"{name}.bias"]
        return flat.reshape(*x.shape[:-1], -1)

    def _normed(self, x: Numbers, name: str) -> Numbers:
        x = x - x.mean(axis=-1, keepdims=True)
        x /= np.sqrt((x * x).mean(axis=-1, keepdims=True) + _TINY)
        x *= self._weights[f"{name}.norm"]
        x += self._weights[f"{name}.shift"]
        return x


def _read(file: Path, hashes: dict[str, str]) -> bytes:
    found = file.read_bytes()
    if hashlib.sha256(found).hexdigest() != hashes[file.name]:
        raise ModelFault(f"{file.name} is not the file that {CARD} names")
    return found


def _widened(stored: Any, name: str) -> Numbers:
    """A matrix of bytes as the numbers it stands for; dense ones lie the way they are multiplied."""
    found: Numbers = stored[name].astype(np.float32)
    if f"{name}.scale" not in stored.files:
        return found
    wide: Numbers = found * stored[f"{name}.scale"][:, None]
    return np.ascontiguousarray(wide.T) if name.endswith(".weight") else wide
