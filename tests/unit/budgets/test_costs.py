"""What an answer costs, in full or shortened."""

from hypothesis import given
from hypothesis import strategies as st

from budgets.costs import UNITS, CostEstimate

needs = st.builds(
    lambda prompt, answer, prompt_price, answer_price: CostEstimate(
        prompt_tokens=prompt,
        answer_tokens=answer,
        min_answer_tokens=1,
        prompt_microdollars=prompt_price,
        answer_microdollars=answer_price,
    ),
    st.integers(0, 5000),
    st.integers(1, 2000),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)


@given(needs, st.integers(0, 3 * 10**6), st.sampled_from(UNITS))
def test_the_longest_answer_can_be_paid_and_one_token_more_cannot(
    need: CostEstimate, left: int, unit: str
) -> None:
    longest = need.longest(unit, left=left)  # type: ignore[arg-type]
    assert longest <= need.answer_tokens
    if longest >= 0:
        assert need.cost(unit, answer=longest) <= left  # type: ignore[arg-type]
    if longest < need.answer_tokens:
        assert need.cost(unit, answer=max(0, longest + 1)) > left  # type: ignore[arg-type]
