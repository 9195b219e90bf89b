"""Admins type and read dollars; the ledger stores whole micro-dollars. Nothing is lost in between."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from budgets.dollars import DollarsField, format_dollars, format_input, parse_dollars


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("12.50", 12_500_000),
        ("12,50", 12_500_000),
        ("12,5", 12_500_000),
        ("$1,234.50", 1_234_500_000),
        ("1.234,50", 1_234_500_000),
        ("1,234,567", 1_234_567_000_000),
        ("1,500", 1_500_000_000),
        ("1.500", 1_500_000),
        ("0.000001", 1),
        ("0", 0),
        (" US$ 7 ", 7_000_000),
    ],
)
def test_an_amount_is_read_exactly(typed: str, stored: int) -> None:
    assert parse_dollars(typed) == stored


@pytest.mark.parametrize(
    "typed",
    ["", "-1", "1.2.3", "1,23,456", "1e3", "½", "12.50.", "0.0000001", "1,234,56", "٣", "9" * 30, "."],
)
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        parse_dollars(typed)


@given(microdollars=st.integers(0, 10**15), language=st.sampled_from(["en", "es"]))
def test_what_a_field_shows_is_read_as_the_same_amount(microdollars: int, language: str) -> None:
    with translation.override(language):
        field = DollarsField(required=False)
        shown = field.prepare_value(microdollars)
        assert field.clean(shown) == microdollars
        assert not field.has_changed(microdollars, shown)
        assert shown == format_input(microdollars)


def test_an_empty_field_is_no_amount() -> None:
    assert DollarsField(required=False).clean(" ") is None


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (0, "$0.00"),
        (1, "<$0.01"),
        (9_999, "<$0.01"),
        (10_000, "$0.01"),
        (1_234_500_000, "$1,234.50"),
        (1_994_999, "$1.99"),
        (1_995_000, "$2.00"),
        (-2_500_000, "-$2.50"),
    ],
)
def test_an_amount_is_shown_with_two_decimals(stored: int, shown: str) -> None:
    with translation.override("en"):
        assert format_dollars(stored) == shown
