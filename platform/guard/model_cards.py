"""What the cards of the guard's two models say. Import it in functions (encoders.card imports pydantic)."""

from typing import Annotated

from pydantic import ConfigDict

from encoders.card import ModelCard
from kit.schemas import Items, Table


class WeightedHeadEntry(Table):
    """A head of the classifier: its category, and the minimum probability of each level and of a trace.

    Its weights are whole numbers: `step` is what one is worth.
    """

    category: str
    at: dict[str, float]
    trace: float
    bias: float
    step: float


class ClassifierCard(Table):
    """`sha256` is that of weights.bin."""

    model_config = ConfigDict(extra="ignore")

    version: str
    features: int
    buckets: int
    sha256: str
    heads: Annotated[tuple[WeightedHeadEntry, ...], Items]


class CalibratedHead(Table):
    """A head of the encoder. Its log-odds are divided by `temperature` (Guo et al., 2017)."""

    name: str
    temperature: float


class Thresholds(Table):
    """The encoder's minimum probabilities.

    `card` and `unsafe` lead to a card. Between them and `pause_by_card` and `pause_by_unsafe`, or from `pause_by_hint`,
    a person is asked instead. `answer` is for a sentence of an answer.
    """

    card: float
    pause_by_card: float
    imminent: float
    unsafe: float
    pause_by_unsafe: float
    pause_by_hint: float
    stress: float
    about_someone_else: float
    trace: float
    answer: float
    refused: dict[str, float]


class EarlyExit(Table):
    """After `layers` layers, a sentence of an answer is safe if the exit head's log-odds are below `below`."""

    layers: int
    below: float


class EncoderCard(ModelCard):
    version: str
    heads: Annotated[tuple[CalibratedHead, ...], Items]
    thresholds: Thresholds
    early_exit: EarlyExit
