"""The labs, in the order of their list."""

from collections.abc import Sequence

from labs.lab import Lab
from labs.memory_price import MemoryPriceLab
from labs.next_piece import NextPieceLab
from labs.origins import OriginsLab
from labs.sureness import SurenessLab
from labs.tokens import TokensLab
from labs.voices import VoicesLab

LABS: Sequence[Lab] = (
    TokensLab(),
    NextPieceLab(),
    SurenessLab(),
    MemoryPriceLab(),
    VoicesLab(),
    OriginsLab(),
)
