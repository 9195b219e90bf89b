"""What the cards of the guard's two models say. Import it in functions (encoders.card imports pydantic)."""

from typing import Annotated

from pydantic import ConfigDict

from encoders.card import ModelCard
from kit.schemas import Items, Table


class HeadEntry(Table):
    """A head: its category, and the minimum probability of each level and of a trace."""

    category: str
    at: dict[str, float]
    trace: float


class WeightedHeadEntry(HeadEntry):
    """A head of the classifier, whose weights are whole numbers: `step` is what one is worth."""

    bias: float
    step: float


class EncoderCard(ModelCard):
    version: str
    heads: Annotated[tuple[HeadEntry, ...], Items]


class ClassifierCard(Table):
    """`sha256` is that of weights.bin."""

    model_config = ConfigDict(extra="ignore")

    version: str
    features: int
    buckets: int
    sha256: str
    heads: Annotated[tuple[WeightedHeadEntry, ...], Items]
