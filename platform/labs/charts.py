"""Coordinates and lengths in charts, which templates draw as SVG: strings, as a template would localize numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

# The length of the longest bar in its own units, and of the shortest one above zero.
BAR_LENGTH, MIN_LENGTH = 1000, 4


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A bar in a row of a table: `text` says its amount."""

    label: str
    text: str
    length: str


def scale(share: float, *, length: int = BAR_LENGTH) -> str:
    """Return a length for a share between 0 and 1. A small one stays visible."""
    return str(max(round(min(share, 1.0) * length), MIN_LENGTH) if share > 0 else 0)


def build_bars(rows: Sequence[tuple[str, float, str]]) -> list[Bar]:
    """Build bars from labels, amounts and their texts. The largest amount fills the whole length."""
    largest = max((amount for _label, amount, _text in rows), default=0) or 1
    return [Bar(label=label, text=text, length=scale(amount / largest)) for label, amount, text in rows]


# The area of the lines in a line chart, in the units of its picture.
LEFT, RIGHT, TOP, BOTTOM = 4.0, 356.0, 12.0, 196.0


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a chart: `points` for its polyline, and its name at its end."""

    name: str
    label: str
    points: str
    end_y: str


@dataclass(frozen=True, kw_only=True)
class LineChart:
    """Lines over the same steps. `highest` is the amount at the top."""

    lines: Sequence[Line]
    highest: str


def build_line_chart(series: Sequence[tuple[str, str, Sequence[int]]], *, highest: str) -> LineChart:
    """Build a chart from names, labels and amounts. All have the same number of amounts."""
    largest = max((amount for _name, _label, amounts in series for amount in amounts), default=0) or 1
    return LineChart(
        lines=[
            Line(
                name=name,
                label=label,
                points=" ".join(
                    f"{_get_x(step, len(amounts)):.1f},{_get_y(amount / largest):.1f}"
                    for step, amount in enumerate(amounts)
                ),
                end_y=f"{_get_y(amounts[-1] / largest):.1f}",
            )
            for name, label, amounts in series
        ],
        highest=highest,
    )


def _get_x(step: int, count: int) -> float:
    return LEFT + (RIGHT - LEFT) * (step / max(count - 1, 1))


def _get_y(share: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * share
