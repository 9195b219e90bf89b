"""What an answer cost, by part, and what full memory would have cost: sums of rows that no database holds."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from chat.memory.costs import (
    CostPart,
    round_to_two_digits,
    split_answer_cost,
    sum_costs,
)
from chat.models import EndReason, Turn, TurnState
from chat.prompt import PromptPart
from chat.turns.outcomes import Outcome, build_usage
from chat.web.turns import build_shown_cost, count_words
from inference.prices import Prices
from kit.shares import split_by_weight

PRICES = {"input_price": 2_000_000, "cached_input_price": 500_000, "output_price": 6_000_000}
START = timezone.now()

tokens = st.integers(0, 3000)
prices = st.fixed_dictionaries({name: st.integers(0, 20_000_000) for name in PRICES})


def build_turn(
    parts: dict[str, int] | None = None,
    *,
    cached: int = 0,
    answer: int = 100,
    place: int = 0,
    **fields: object,
) -> Turn:
    """Build a charged turn that cost what its prices say."""
    parts = parts if parts is not None else {"instructions": 200, "turns": 300, "question": 20}
    prompt = sum(parts.values())
    turn = Turn(
        **{
            "pk": uuid4(),
            "state": TurnState.ANSWERED,
            "asked_at": START + timedelta(minutes=place),
            "prompt_parts": parts,
            "prompt_tokens": prompt,
            "cached_tokens": min(cached, prompt),
            "answer_tokens": answer,
            **fields,
        }
    )
    turn.microdollars = turn.prices.calculate_cost(
        prompt_tokens=prompt, answer_tokens=answer, cached_tokens=turn.cached_tokens
    )
    return turn


class TestParts:
    @given(st.fixed_dictionaries({part.value: tokens for part in PromptPart}), tokens, tokens, prices)
    def test_they_add_up_to_the_turn(
        self, parts: dict[str, int], cached: int, answer: int, priced: dict[str, int]
    ) -> None:
        turn = build_turn(parts, cached=cached, answer=answer, **priced)
        costs = split_answer_cost(turn)
        assert sum(cost.tokens for cost in costs) == turn.tokens
        assert sum(cost.microdollars for cost in costs) == turn.microdollars
        if costs:
            assert sum(cost.cached_tokens for cost in costs) == turn.cached_tokens
        assert all(0 <= cost.cached_tokens <= cost.tokens for cost in costs)
        assert all(cost.microdollars >= 0 for cost in costs)

    @given(st.integers(0, 10**9), st.lists(st.integers(0, 10**12), min_size=1, max_size=6))
    def test_shares_are_whole_and_no_more_than_one_from_exact(self, total: int, weights: list[int]) -> None:
        shares = split_by_weight(total, weights)
        assert sum(shares) == total
        if whole := sum(weights):
            assert all(
                abs(share * whole - total * weight) < whole
                for share, weight in zip(shares, weights, strict=True)
            )

    @pytest.mark.parametrize(
        ("cached", "remembered"), [(0, 0), (150, 0), (200, 0), (350, 150), (700, 500), (720, 500)]
    )
    def test_the_cache_holds_the_beginning(self, cached: int, remembered: int) -> None:
        parts = {"instructions": 200, "notes": 100, "turns": 400, "question": 30, "after_question": 90}
        costs = {cost.part: cost for cost in split_answer_cost(build_turn(parts, cached=cached))}
        assert costs[CostPart.REMEMBERED].tokens == 500
        assert costs[CostPart.REMEMBERED].cached_tokens == remembered

    def test_the_question_is_cached_before_what_follows_it(self) -> None:
        """As after a retry, whose prompt begins with the same question."""
        parts = {"instructions": 200, "question": 30, "after_question": 90}
        costs = {cost.part: cost for cost in split_answer_cost(build_turn(parts, cached=240))}
        assert costs[CostPart.QUESTION].cached_tokens == 30
        assert costs[CostPart.AFTER_QUESTION].cached_tokens == 10

    def test_cached_tokens_cost_less(self) -> None:
        parts = {"instructions": 1000, "turns": 1000, "question": 1000}
        costs = {cost.part: cost for cost in split_answer_cost(build_turn(parts, cached=1500, **PRICES))}
        assert [cost.microdollars for cost in costs.values()] == [500, 1250, 2000, 0, 600]

    @pytest.mark.parametrize(
        "turn",
        [
            build_turn({}, answer=0, state=TurnState.FAILED),
            build_turn({}, answer=0, state=TurnState.CARDED),
            build_turn(state=TurnState.WORKING),
            build_turn({}, answer=5),
        ],
    )
    def test_of_a_turn_that_was_not_charged_or_counted_there_are_none(self, turn: Turn) -> None:
        assert split_answer_cost(turn) == []
        assert build_shown_cost(turn, None) is None


def build_conversation(count: int, *, memory: int = 700, cached: int = 500, **fields: object) -> list[Turn]:
    """Build a conversation whose memory has a limit: its turns cost the same from a few turns on."""
    return [
        build_turn(
            {"instructions": 200, "turns": min(place * 150, memory), "question": 30, "after_question": 150},
            cached=cached if place else 0,
            answer=120,
            place=place,
            carried_tokens=150,
            **fields,
        )
        for place in range(count)
    ]


class TestTalk:
    def test_full_memory_costs_what_its_formula_says(self) -> None:
        turns = build_conversation(3, memory=150, **PRICES)
        last = sum_costs(turns)[turns[-1].pk]
        assert last.answers == 3
        assert last.tokens == sum(turn.tokens for turn in turns)
        assert last.microdollars == sum(turn.microdollars for turn in turns)
        assert last.full_tokens == 3 * (200 + 150 + 30 + 120) + 150 + 300
        # Fresh, cached and written tokens of each turn.
        fresh = [380, 530 - 500, 680 - 500]
        exact = [f * 2 + c * 0.5 + 120 * 6 for f, c in zip(fresh, (0, 500, 500), strict=True)]
        assert last.full_microdollars == sum(exact)

    def test_it_grows_with_the_square_of_the_length_and_ours_does_not(self) -> None:
        costs = list(sum_costs(build_conversation(200, **PRICES)).values())
        half, whole = costs[99], costs[199]
        assert whole.tokens < 2.1 * half.tokens
        assert whole.full_tokens > 3.5 * half.full_tokens
        assert whole.full_tokens > 5 * whole.tokens
        assert whole.full_microdollars > 2 * whole.microdollars

    @given(st.lists(st.tuples(tokens, tokens, tokens, st.none() | tokens, tokens), max_size=30), prices)
    def test_it_never_reads_less_than_what_was_asked(
        self, rows: list[tuple[int, int, int, int | None, int]], priced: dict[str, int]
    ) -> None:
        turns = [
            build_turn(
                {"instructions": 100, "turns": carried, "question": question, "after_question": lessons},
                cached=cached,
                place=place,
                carried_tokens=size,
                **priced,
            )
            for place, (carried, lessons, question, size, cached) in enumerate(rows)
        ]
        for cost in sum_costs(turns).values():
            assert cost.full_tokens >= cost.tokens

    def test_a_turn_without_a_count_is_carried_as_its_question_and_answer(self) -> None:
        turns = [build_turn({"question": 40}, answer=60, place=place) for place in range(2)]
        assert sum_costs(turns)[turns[1].pk].full_tokens == 100 + 100 + 100

    @pytest.mark.parametrize(
        "fields", [{"state": TurnState.CUT}, {"replaced_by_id": uuid4()}], ids=["cut", "replaced"]
    )
    def test_what_no_prompt_repeats_is_charged_and_not_carried(self, fields: dict[str, Any]) -> None:
        first = build_turn({"question": 40}, answer=60, carried_tokens=100, **fields)
        second = build_turn({"question": 40}, answer=60, place=1)
        cost = sum_costs([first, second])[second.pk]
        assert (cost.tokens, cost.full_tokens) == (200, 200)

    def test_a_retry_does_not_carry_what_it_retries(self) -> None:
        first, stopped = (
            build_turn({"question": 40}, answer=60, place=place, carried_tokens=100) for place in range(2)
        )
        again = build_turn({"question": 40}, answer=60, place=2, retry_of_id=stopped.pk)
        costs = sum_costs([first, stopped, again])
        assert costs[again.pk].full_tokens - costs[stopped.pk].full_tokens == 100 + 100


class TestWords:
    @pytest.mark.parametrize(
        ("count", "words"), [(1, 1), (40, 28), (200, 140), (497, 350), (6100, 4300), (61_234, 43_000)]
    )
    def test_two_digits_count(self, count: int, words: int) -> None:
        assert count_words(count) == words

    @pytest.mark.parametrize(
        ("number", "rounded"), [(0, 0), (7, 7), (42, 42), (1234, 1200), (98_765, 99_000)]
    )
    def test_sums_are_rounded(self, number: int, rounded: int) -> None:
        assert round_to_two_digits(number) == rounded

    @given(st.fixed_dictionaries({part.value: tokens for part in PromptPart}), tokens, tokens)
    def test_bars_follow_one_another_and_stay_inside(
        self, parts: dict[str, int], cached: int, answer: int
    ) -> None:
        shown = build_shown_cost(build_turn(parts, cached=cached, answer=answer), None)
        ends = [0]
        for part in shown.parts if shown else ():
            assert int(part.cached_start) >= ends[-1] - 12
            assert int(part.start) + int(part.length) <= 1006
            ends.append(int(part.start))
        assert ends == sorted(ends)


class TestTheLedgersRecordOfACall:
    @given(
        parts=st.fixed_dictionaries({part.value: tokens for part in PromptPart}),
        answer=tokens,
        cached=st.integers(0, 20_000),
        prices=st.builds(
            Prices,
            input=st.integers(0, 20_000_000),
            cached_input=st.integers(0, 20_000_000),
            output=st.integers(0, 20_000_000),
        ),
    )
    def test_splits_its_price_by_part(
        self, parts: dict[str, int], answer: int, cached: int, prices: Prices
    ) -> None:
        prompt = sum(parts.values())
        outcome = build_outcome(
            prompt_tokens=prompt,
            prompt_parts=parts,
            answer_tokens=answer,
            cached_tokens=min(cached, prompt),
            prices=prices,
        )
        usage = build_usage(Turn(model="m", is_local=False), outcome)
        assert usage.memory_tokens == parts["notes"] + parts["turns"]
        assert usage.question_tokens == parts["question"]
        assert usage.prompt_microdollars <= outcome.microdollars
        # A micro-dollar is rounded up once for the call, and each of three shares is rounded.
        exact = answer * prices.output / 1_000_000
        assert abs(outcome.microdollars - usage.prompt_microdollars - exact) <= 3

    def test_what_was_cached_of_the_memory_costs_less(self) -> None:
        prices = Prices(input=2_000_000, cached_input=500_000)
        parts = {"instructions": 100, "turns": 300, "question": 100}
        outcome = build_outcome(prompt_tokens=500, prompt_parts=parts, cached_tokens=200, prices=prices)
        usage = build_usage(Turn(memory_policy="window"), outcome)
        # Of memory, 100 tokens were cached: 100 at $0.50 a million and 200 at $2.
        assert (usage.memory_microdollars, usage.prompt_microdollars) == (450, 700)

    def test_a_prompt_without_counted_parts_is_no_memory(self) -> None:
        usage = build_usage(Turn(model="m"), build_outcome(prompt_tokens=70, answer_tokens=9))
        assert (usage.prompt_tokens, usage.memory_tokens, usage.question_tokens) == (70, 0, 0)


def build_outcome(**used: Any) -> Outcome:
    return Outcome(
        **{
            "state": TurnState.ANSWERED,
            "end_reason": EndReason.NONE,
            "answer": "Yes.",
            "answer_tokens": 0,
            **used,
        }
    )
