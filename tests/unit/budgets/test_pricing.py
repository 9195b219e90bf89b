"""Price × tokens × frequency × users, to the cent, and what each way of remembering adds."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgets.pricing import (
    BLENDED,
    FREE,
    PRESETS,
    Sum,
    Talk,
    TokenCount,
    TokenPrices,
    calculate_price,
    round_dollars,
    round_to_cents,
)
from kit.memory_policy import MemoryPolicy

EMAIL = Talk(question_tokens=100, answer_tokens=100)
DEVDAY = TokenPrices.build_from_thousand(Decimal("0.01"), Decimal("0.03"))

talks = st.builds(
    Talk,
    question_tokens=st.integers(0, 400),
    answer_tokens=st.integers(0, 900),
    replies=st.integers(0, 60),
    fixed_tokens=st.integers(0, 500),
    memory=st.sampled_from(MemoryPolicy),
    window_tokens=st.integers(0, 4000),
    note_tokens=st.integers(0, 40),
)


class TestTheTableOfTheLesson:
    @pytest.mark.parametrize(
        ("name", "tokens", "frequency", "users", "total"),
        [
            ("basic", 1_000, 10, 10_000, "2000.00"),
            ("email", 200, 10_000, 10_000, "400000.00"),
            ("thread", 1_200, 10_000, 10_000, "2400000.00"),
            ("message", 50, 150, 150_000_000, "22500000.00"),
            ("short", 200, 150, 150_000_000, "90000000.00"),
            ("context", 128_000, 150, 150_000_000, "57600000000.00"),
            ("device", 128_000, 150, 150_000_000, "0.00"),
        ],
    )
    def test_is_right_to_the_cent(
        self, name: str, tokens: int, frequency: int, users: int, total: str
    ) -> None:
        preset = PRESETS[name]
        assert preset.talk.count_tokens().total == tokens
        assert (preset.frequency, preset.users) == (frequency, users)
        assert str(round_to_cents(preset.calculate_total())) == total
        assert preset.calculate_total() == Decimal(total)

    def test_has_seven_rows(self) -> None:
        assert len(PRESETS) == 7

    def test_uses_two_cents_for_a_thousand_tokens(self) -> None:
        assert {preset.prices for preset in PRESETS.values()} == {BLENDED, FREE}
        assert calculate_price(BLENDED, TokenCount(500, 500)) == Decimal("0.02")


class TestAThreadOfEmails:
    def test_of_three_replies_sends_a_hundred_then_three_then_five_hundred(self) -> None:
        thread = replace(EMAIL, memory=MemoryPolicy.FULL)
        sent = [thread.count_memory(reply) + thread.question_tokens for reply in (1, 2, 3)]
        assert sent == [100, 300, 500]
        assert replace(thread, replies=3).count_tokens() == TokenCount(900, 300, memory=600)

    @pytest.mark.parametrize(
        ("replies", "without", "with_all"), [(3, 600, 1_200), (10, 2_000, 11_000), (100, 20_000, 1_010_000)]
    )
    def test_grows_with_the_square_of_its_length(self, replies: int, without: int, with_all: int) -> None:
        talk = replace(EMAIL, replies=replies)
        assert talk.count_tokens().total == without
        assert replace(talk, memory=MemoryPolicy.FULL).count_tokens().total == with_all

    def test_costs_less_at_the_real_prices_than_at_the_middle_one(self) -> None:
        thread = replace(EMAIL, replies=3, memory=MemoryPolicy.FULL).count_tokens()
        assert calculate_price(DEVDAY, thread) == Decimal("0.018")
        assert calculate_price(BLENDED, thread) == Decimal("0.024")


class TestMemory:
    def test_of_a_window_stays_flat_once_it_is_full(self) -> None:
        talk = replace(EMAIL, memory=MemoryPolicy.WINDOW, window_tokens=500)
        # Two whole exchanges of 200 fit.
        assert [talk.count_memory(reply) for reply in (1, 2, 3, 4, 50)] == [0, 200, 400, 400, 400]

    def test_of_notes_adds_a_note_for_each_exchange_that_left_the_window(self) -> None:
        talk = replace(EMAIL, memory=MemoryPolicy.NOTES, window_tokens=500, note_tokens=10)
        assert [talk.count_memory(reply) for reply in (1, 3, 4, 13)] == [0, 400, 410, 500]

    def test_without_a_window_is_notes_alone(self) -> None:
        talk = replace(EMAIL, memory=MemoryPolicy.NOTES, window_tokens=199, note_tokens=10)
        assert [talk.count_memory(reply) for reply in (1, 2, 3)] == [0, 10, 20]

    def test_of_nothing_said_is_nothing(self) -> None:
        silent = Talk(question_tokens=0, answer_tokens=0, replies=9, memory=MemoryPolicy.FULL)
        assert silent.count_tokens() == TokenCount(0, 0)

    @given(talks)
    def test_of_a_talk_is_the_sum_over_its_replies(self, talk: Talk) -> None:
        memory = sum(talk.count_memory(reply) for reply in range(1, talk.replies + 1))
        fixed = talk.replies * (talk.question_tokens + talk.fixed_tokens)
        assert talk.count_tokens() == TokenCount(memory + fixed, talk.replies * talk.answer_tokens, memory)

    @given(talks)
    def test_costs_more_the_more_is_remembered(self, talk: Talk) -> None:
        # A note is shorter than what it stands for.
        short = replace(talk, note_tokens=min(talk.note_tokens, talk.exchange_tokens))
        order = (MemoryPolicy.NONE, MemoryPolicy.WINDOW, MemoryPolicy.NOTES, MemoryPolicy.FULL)
        memories = [replace(short, memory=policy).count_tokens().memory for policy in order]
        assert memories == sorted(memories)


class TestATotal:
    @given(talks, st.integers(0, 10**5), st.integers(0, 10**9), st.decimals(0, 100, places=6))
    def test_is_exact(self, talk: Talk, frequency: int, users: int, price: Decimal) -> None:
        both = Sum(prices=TokenPrices(price, 2 * price), talk=talk, frequency=frequency, users=users)
        tokens = talk.count_tokens()
        # In millionths of a millionth, as whole numbers.
        exact = int(price * 10**6) * (tokens.sent + 2 * tokens.written) * frequency * users
        assert int(both.calculate_total().scaleb(12)) == exact

    @given(talks, st.integers(0, 1000), st.integers(0, 1000))
    def test_grows_evenly_with_frequency_and_users(self, talk: Talk, frequency: int, users: int) -> None:
        once = Sum(prices=DEVDAY, talk=talk, frequency=1, users=1)
        many = replace(once, frequency=frequency, users=users)
        assert many.calculate_total() == once.calculate_total() * frequency * users

    def test_on_one_s_own_machine_is_nothing(self) -> None:
        for memory in MemoryPolicy:
            assert PRESETS["device"].with_memory(memory).calculate_total() == 0


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "0.00"),
        ("1234.565", "1234.57"),
        ("0.01", "0.01"),
        ("0.0123", "0.01"),
        ("0.0099", "0.0099"),
        ("0.001234", "0.0012"),
        ("0.0000004", "0.000000"),
        ("-0.0036", "-0.0036"),
    ],
)
def test_dollars_have_two_decimals_or_as_many_as_a_small_sum_needs(amount: str, shown: str) -> None:
    assert str(round_dollars(Decimal(amount))) == shown
