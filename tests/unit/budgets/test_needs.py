"""What an answer needs, whole or shorter."""

from hypothesis import given
from hypothesis import strategies as st

from budgets.needs import WHATS, Need

needs = st.builds(
    lambda prompt, answer, prompt_price, answer_price: Need(
        prompt_tokens=prompt,
        answer_tokens=answer,
        least_answer_tokens=1,
        prompt_microdollars=prompt_price,
        answer_microdollars=answer_price,
    ),
    st.integers(0, 5000),
    st.integers(1, 2000),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)


@given(needs, st.integers(0, 3 * 10**6), st.sampled_from(WHATS))
def test_the_longest_answer_can_be_paid_and_one_token_more_cannot(need: Need, left: int, what: str) -> None:
    longest = need.longest(what, left=left)  # type: ignore[arg-type]
    assert longest <= need.answer_tokens
    if longest >= 0:
        assert need.cost(what, answer=longest) <= left  # type: ignore[arg-type]
    if longest < need.answer_tokens:
        assert need.cost(what, answer=max(0, longest + 1)) > left  # type: ignore[arg-type]
