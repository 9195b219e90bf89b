"""Charts as data for `admin/desk/chart.html`: columns of stacked parts, drawn as SVG on the server. No JavaScript.

The labels are HTML around the drawing, so that they keep their size on a phone. Every chart has a title, a description
that says what can be seen, and a table of the same numbers below it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 1000, 240
GAP = 0.22
# The steps of an axis are one of these times a power of ten.
NICE_STEPS = (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10)


@dataclass(frozen=True, kw_only=True)
class Series:
    """One part of each column. `style` is a class of `.chart-*` in admin-money.css."""

    name: str
    style: str
    values: Sequence[float]


@dataclass(frozen=True)
class Rectangle:
    """A part of a column, in the units of the drawing, to one decimal."""

    x: float
    y: float
    width: float
    height: float
    style: str
    title: str


@dataclass(frozen=True)
class Tick:
    """A line across the chart, and what it stands for."""

    y: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A drawn chart. `id` is unique on its page."""

    id: str
    title: str
    description: str
    labels: Sequence[str]
    series: Sequence[Series]
    rectangles: Sequence[Rectangle]
    ticks: Sequence[Tick]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def view_box(self) -> str:
        return f"0 0 {self.width} {self.height}"

    @property
    def edge_labels(self) -> list[str]:
        """The first label, the middle one and the last, which fit below the chart on a phone."""
        middle = (len(self.labels) - 1) // 2
        return [self.labels[0], self.labels[middle], self.labels[-1]] if self.labels else []

    @property
    def table(self) -> list[tuple[str, list[float]]]:
        """The same numbers as rows: a label, and its value in each series."""
        return [
            (label, [series.values[place] for series in self.series])
            for place, label in enumerate(self.labels)
        ]


def build_column_chart(
    *,
    id: str,  # noqa: A002 - it is the element's id
    title: str,
    description: str,
    labels: Sequence[str],
    series: Sequence[Series],
    format_value: Callable[[float], str],
) -> Chart:
    """Draw a column for each label, of the values of all series on top of each other."""
    for each in series:
        if len(each.values) != len(labels):
            raise ValueError(
                f"The series {each.name} has {len(each.values)} values for {len(labels)} labels."
            )
        if any(value < 0 for value in each.values):
            raise ValueError(f"A column of {each.name} would be below the axis.")
    totals = [sum(each.values[place] for each in series) for place in range(len(labels))]
    top = find_axis_top(max(totals, default=0))
    slot = WIDTH / max(len(labels), 1)
    rectangles = []
    for place, label in enumerate(labels):
        bottom = float(HEIGHT)
        for each in series:
            height = each.values[place] / top * HEIGHT
            bottom -= height
            if height:
                rectangles.append(
                    Rectangle(
                        x=round(slot * (place + GAP / 2), 1),
                        y=round(bottom, 1),
                        width=round(slot * (1 - GAP), 1),
                        height=round(height, 1),
                        style=each.style,
                        title=f"{label}, {each.name}: {format_value(each.values[place])}",
                    )
                )
    ticks = [Tick(round(HEIGHT * (1 - part), 1), format_value(top * part)) for part in (1.0, 0.5)]
    return Chart(
        id=id,
        title=title,
        description=description,
        labels=labels,
        series=series,
        rectangles=rectangles,
        ticks=ticks,
    )


def find_axis_top(largest: float) -> float:
    """Return a round number that is not below the largest value, and whose half is round as well."""
    if largest <= 0:
        return 1.0
    power = 1.0
    while power > largest:
        power /= 10
    while power * 10 < largest:
        power *= 10
    return next(step * power for step in NICE_STEPS if step * power >= largest)
