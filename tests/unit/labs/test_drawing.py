"""Temperature and top-p over a model's chances."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.drawing import reshape_chances

OWN = [0.5, 0.2, 0.1, 0.05]
LOGPROBS = [math.log(chance) for chance in OWN]


def test_with_both_at_one_the_chances_are_the_models_own() -> None:
    assert reshape_chances(LOGPROBS, temperature=1, top_p=1) == pytest.approx(OWN)


def test_a_temperature_of_zero_always_draws_the_likeliest() -> None:
    assert reshape_chances(LOGPROBS, temperature=0, top_p=1) == [1, 0, 0, 0]


def test_a_low_temperature_sharpens_and_a_high_one_evens_out() -> None:
    low, high = (reshape_chances(LOGPROBS, temperature=at, top_p=1) for at in (0.5, 2))
    assert low[0] > OWN[0] / sum(OWN) > high[0]
    assert low == pytest.approx([chance**2 / sum(one**2 for one in OWN) for chance in OWN])


def test_top_p_keeps_the_fewest_that_reach_its_share() -> None:
    assert reshape_chances(LOGPROBS, temperature=1, top_p=0.7) == pytest.approx([5 / 7, 2 / 7, 0, 0])
    assert reshape_chances(LOGPROBS, temperature=1, top_p=0) == [1, 0, 0, 0]


@given(
    st.lists(st.floats(-20, -0.01), min_size=1, max_size=20).map(lambda values: sorted(values, reverse=True)),
    st.floats(0, 1.99),
    st.floats(0, 1),
)
def test_what_is_drawn_adds_up_and_keeps_the_order(
    logprobs: list[float], temperature: float, top_p: float
) -> None:
    drawn = reshape_chances(logprobs, temperature=temperature, top_p=top_p)
    assert len(drawn) == len(logprobs)
    assert drawn == sorted(drawn, reverse=True)
    if (temperature, top_p) != (1, 1):
        assert sum(drawn) == pytest.approx(1)
