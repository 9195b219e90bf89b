"""A rate with its confidence interval."""

import math
from collections.abc import Iterable
from typing import NamedTuple


class Rate(NamedTuple):
    """A number of hits out of a total."""

    hits: int
    of: int

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.hits}/{self.of} {self.share:.1%} ({low:.1%}–{high:.1%})" if self.of else "–"

    @property
    def share(self) -> float:
        return self.hits / self.of if self.of else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The Wilson interval, 95%."""
        if not self.of:
            return math.nan, math.nan
        z, n, p = 1.96, self.of, self.share
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))


def counted(hits: Iterable[bool]) -> Rate:
    outcomes = list(hits)
    return Rate(sum(outcomes), len(outcomes))
