"""Counters and histograms in Prometheus's sense, over sums that all processes share. No label names a person."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric

from telemetry.metric_store import metric_store

# No label's value has it: they are names of our own.
SEPARATOR = "|"


@dataclass(frozen=True)
class Counter:
    """A number that only grows, for each combination of its labels' values."""

    name: str
    says: str
    labels: tuple[str, ...] = ()

    def add(self, amount: float = 1, *values: str) -> None:
        """`values` are the labels', in their order."""
        if amount:
            metric_store.add({SEPARATOR.join((self.name, *values)): amount})

    def told(self, sums: Mapping[str, float]) -> Metric:
        family = CounterMetricFamily(self.name, self.says, labels=self.labels)
        for key, amount in sorted(sums.items()):
            name, *values = key.split(SEPARATOR)
            if name == self.name:
                family.add_metric(values, amount)
        return family


@dataclass(frozen=True)
class Histogram:
    """How many observations were at most each of `bounds`, in seconds, and their sum."""

    name: str
    says: str
    bounds: tuple[float, ...]

    def observe(self, seconds: float) -> None:
        bucket = bisect_left(self.bounds, seconds)
        metric_store.add({self._key(str(bucket)): 1, self._key("sum"): seconds})

    def _key(self, part: str) -> str:
        return SEPARATOR.join((self.name, part))

    def told(self, sums: Mapping[str, float]) -> Metric:
        counts = [sums.get(self._key(str(bucket)), 0.0) for bucket in range(len(self.bounds) + 1)]
        names = [*map(str, self.bounds), "+Inf"]
        family = HistogramMetricFamily(self.name, self.says)
        family.add_metric(
            [], list(zip(names, accumulate(counts), strict=True)), sums.get(self._key("sum"), 0.0)
        )
        return family
