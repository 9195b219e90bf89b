"""Columns of a chart: as high as their values, on top of each other, with the same numbers as a table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.charts import HEIGHT, WIDTH, Chart, Series, build_column_chart, find_axis_top

amounts = st.floats(0, 1e9, allow_nan=False).map(lambda amount: round(amount, 6))


def build(*parts: list[float]) -> Chart:
    series = [
        Series(name=f"part {number}", style="answer", values=values) for number, values in enumerate(parts)
    ]
    return build_column_chart(
        id="cost",
        title="Cost by day",
        description="Two days.",
        labels=[f"day {number}" for number in range(len(parts[0]))],
        series=series,
        format_value=lambda value: f"${value:.2f}",
    )


def test_parts_are_stacked_from_the_axis() -> None:
    lower, upper = build([1.0], [3.0]).rectangles
    assert (lower.y + lower.height, lower.height) == (HEIGHT, HEIGHT / 4)
    assert (upper.y, upper.height) == (0, HEIGHT * 3 / 4)


def test_a_part_is_named_where_the_pointer_rests() -> None:
    assert build([2.5]).rectangles[0].title == "day 0, part 0: $2.50"


def test_what_is_nothing_is_not_drawn_but_stands_in_the_table() -> None:
    chart = build([0.0, 4.0])
    assert len(chart.rectangles) == 1
    assert chart.table == [("day 0", [0.0]), ("day 1", [4.0])]


def test_the_axis_has_a_line_at_its_top_and_one_at_half() -> None:
    assert [(tick.y, tick.label) for tick in build([3.7]).ticks] == [(0, "$4.00"), (HEIGHT / 2, "$2.00")]


@pytest.mark.parametrize(
    ("days", "labels"), [(1, {"day 0"}), (31, {"day 0", "day 15", "day 30"}), (0, set())]
)
def test_a_phone_shows_the_first_label_the_middle_and_the_last(days: int, labels: set[str]) -> None:
    assert set(build([1.0] * days).edge_labels) == labels


def test_an_empty_chart_has_an_axis() -> None:
    assert build([0.0, 0.0]).ticks[0].label == "$1.00"


def test_values_below_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="below the axis"):
        build([-1.0])


def test_each_label_needs_a_value() -> None:
    with pytest.raises(ValueError, match="1 values for 2 labels"):
        build([1.0, 2.0], [1.0])


@given(st.floats(1e-9, 1e12))
def test_the_axis_is_round_and_not_much_higher_than_the_largest_value(largest: float) -> None:
    top = find_axis_top(largest)
    assert largest <= top <= 1.7 * largest


@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=40))
def test_every_column_is_inside_the_drawing_and_as_high_as_its_sum(
    columns: list[tuple[float, float]],
) -> None:
    chart = build([each[0] for each in columns], [each[1] for each in columns])
    top = find_axis_top(max(sum(each) for each in columns))
    for part in chart.rectangles:
        assert part.x >= 0
        assert part.x + part.width <= WIDTH
        assert part.y >= -0.1
        assert part.y + part.height <= HEIGHT + 0.1
    drawn = sum(part.height for part in chart.rectangles)
    assert drawn == pytest.approx(sum(map(sum, columns)) / top * HEIGHT, abs=0.06 * 2 * len(columns))
