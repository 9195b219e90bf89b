"""The lesson's calculator: the same sums as the table, for a reader's own numbers."""

import pytest

from budgets.pricing import PRESETS
from courses.calculator import CalculatorResult, build_calculator


def calculate(**query: str) -> CalculatorResult:
    result = build_calculator(query)["result"]
    assert isinstance(result, CalculatorResult)
    return result


@pytest.mark.parametrize(
    ("preset", "total"),
    [
        ("basic", "$2,000.00"),
        ("email", "$400,000.00"),
        ("thread", "$2,400,000.00"),
        ("message", "$22,500,000.00"),
        ("short", "$90,000,000.00"),
        ("context", "$57,600,000,000.00"),
        ("device", "$0.00"),
    ],
)
def test_each_case_of_the_table_is_right_to_the_cent(preset: str, total: str) -> None:
    assert calculate(preset=preset).total == total


def test_it_begins_with_the_thread_of_three_emails() -> None:
    result = calculate()
    assert (result.tokens.total, result.tokens.sent, result.tokens.memory) == (1200, 900, 600)
    # Not rounded to $0.02, or the line below would be wrong.
    assert result.talk_price == "$0.024"
    assert calculate(preset="nonsense") == result


def test_an_address_may_change_one_number() -> None:
    assert calculate(replies="10").tokens.total == 11_000
    assert calculate(preset="message", users="1", frequency="1").total == "$0.0010"


def test_the_real_prices_differ_by_direction() -> None:
    assert calculate(input_price="0.01", output_price="0.03").talk_price == "$0.018"


def test_the_other_kinds_of_memory_are_beside_it() -> None:
    rows = calculate(replies="100", window="400").memories
    assert [row.tokens for row in rows] == [20_000, 59_400, 59_400 + 15 * 4753, 1_010_000]
    assert [row.is_chosen for row in rows] == [False, False, False, True]
    assert rows[-1].share == 1


@pytest.mark.parametrize("preset", PRESETS)
def test_a_case_that_is_sent_again_as_its_form_shows_it_is_the_same(preset: str) -> None:
    form = build_calculator({"preset": preset})["form"]
    shown = {field.name: str(field.value()) for field in form}
    assert calculate(**shown) == calculate(preset=preset)


@pytest.mark.parametrize(
    "query",
    [{"users": "-1"}, {"replies": "10001"}, {"question": "ten"}, {"memory": "elephant"}, {"input_price": ""}],
    ids=str,
)
def test_a_number_that_cannot_be_is_explained(query: dict[str, str]) -> None:
    page = build_calculator(query)
    assert page["result"] is None
    assert list(page["form"].errors) == list(query)


def test_the_largest_numbers_are_worked_out() -> None:
    most = {"question": 10**6, "answer": 10**6, "replies": 10**4, "frequency": 10**7, "users": 10**10}
    prices = {"input_price": 1000, "output_price": 1000}
    result = calculate(**{name: str(value) for name, value in (most | prices).items()})
    tokens = result.tokens.total
    assert result.total == f"${tokens * 10**17:,}.00"
