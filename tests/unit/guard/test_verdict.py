import itertools

import pytest

from guard import Category, Evidence, Level, Verdict, judge_input, merge_verdicts

SUICIDE = frozenset({Category.SUICIDE})
ABOUT_A_FRIEND = SUICIDE | {Category.ABOUT_SOMEONE_ELSE}


def test_levels_are_ordered_by_care_with_an_unsafe_home_below_a_life_in_danger() -> None:
    ordered = [Level.NONE, Level.STRESS, Level.HINTS, Level.STATED, Level.UNSAFE_HOME, Level.ACUTE]
    for (a, low), (b, high) in itertools.product(enumerate(ordered), repeat=2):
        assert ((low < high), (low <= high), (low > high), (low >= high)) == (a < b, a <= b, a > b, a >= b)


def test_a_level_is_kept_as_its_letter() -> None:
    assert [str(level) for level in Level] == ["0", "1", "2", "3", "S", "4"]
    assert Level("S") is Level.UNSAFE_HOME


@pytest.mark.parametrize(
    ("level", "is_crisis"),
    [("0", False), ("1", False), ("2", False), ("3", True), ("S", True), ("4", True)],
)
def test_a_crisis_begins_at_three(level: str, is_crisis: bool) -> None:
    assert Verdict(Level(level)).is_crisis is is_crisis


class TestWorst:
    def test_of_none_it_is_nothing(self) -> None:
        assert merge_verdicts() == Verdict()

    def test_it_takes_the_most_careful_level_and_everything_that_was_found(self) -> None:
        seen, planned = Evidence("rules", "a", 0, 1), Evidence("rules", "b", 2, 3)
        first = Verdict(Level.STATED, frozenset({Category.SELF_HARM}), (seen,), 0.5, "one")
        two = Verdict(Level.ACUTE, SUICIDE, (planned, seen), 0.9, "two")
        joined = merge_verdicts(first, two)
        assert (joined.level, joined.confidence, joined.layer) == (Level.ACUTE, 0.9, "two")
        assert joined.categories == {Category.SUICIDE, Category.SELF_HARM}
        assert set(joined.evidence) == {seen, planned}
        assert len(joined.evidence) == 2

    def test_worry_about_a_friend_stays_that(self) -> None:
        verdict = merge_verdicts(
            Verdict(), Verdict(Level.STATED, ABOUT_A_FRIEND), Verdict(Level.ACUTE, ABOUT_A_FRIEND)
        )
        assert Category.ABOUT_SOMEONE_ELSE in verdict.categories

    def test_a_worried_friend_in_danger_gets_the_card_for_themselves(self) -> None:
        verdict = merge_verdicts(Verdict(Level.ACUTE, ABOUT_A_FRIEND), Verdict(Level.STATED, SUICIDE))
        assert verdict.level == Level.ACUTE
        assert Category.ABOUT_SOMEONE_ELSE not in verdict.categories

    def test_worry_about_a_friend_and_danger_to_oneself_are_told_apart_in_one_message(self) -> None:
        assert Category.ABOUT_SOMEONE_ELSE in judge_input("my friend wants to kill herself").categories
        both = judge_input("my friend wants to kill herself. I want to kill myself too")
        assert Category.ABOUT_SOMEONE_ELSE not in both.categories
