"""Prometheus counters and histograms over totals that all processes share. No label identifies a person."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric

from telemetry.metric_store import metric_store

# Label values are our own names and never contain this.
SEPARATOR = "|"


@dataclass(frozen=True)
class Counter:
    """A number that only grows, for each combination of label values."""

    name: str
    help: str
    labels: tuple[str, ...] = ()

    def add(self, amount: float = 1, *values: str) -> None:
        """Add `amount` for these label values, given in the order of `labels`."""
        if amount:
            metric_store.add({SEPARATOR.join((self.name, *values)): amount})

    def collect(self, totals: Mapping[str, float]) -> Metric:
        family = CounterMetricFamily(self.name, self.help, labels=self.labels)
        for key, amount in sorted(totals.items()):
            name, *values = key.split(SEPARATOR)
            if name == self.name:
                family.add_metric(values, amount)
        return family


@dataclass(frozen=True)
class Histogram:
    """A distribution of amounts, such as seconds. `bounds` are the upper limits of its buckets."""

    name: str
    help: str
    bounds: tuple[float, ...]

    def observe(self, amount: float) -> None:
        """Count an amount. Writes to Valkey when the store flushes."""
        bucket = bisect_left(self.bounds, amount)
        metric_store.add({self._build_key(str(bucket)): 1, self._build_key("sum"): amount})

    def _build_key(self, part: str) -> str:
        return SEPARATOR.join((self.name, part))

    def collect(self, totals: Mapping[str, float]) -> Metric:
        counts = [totals.get(self._build_key(str(bucket)), 0.0) for bucket in range(len(self.bounds) + 1)]
        names = [*map(str, self.bounds), "+Inf"]
        family = HistogramMetricFamily(self.name, self.help)
        family.add_metric(
            [], list(zip(names, accumulate(counts), strict=True)), totals.get(self._build_key("sum"), 0.0)
        )
        return family
