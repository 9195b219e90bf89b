import pytest

from guard import Action, Category, Level, Verdict, action_for


@pytest.mark.parametrize(
    ("level", "categories", "action"),
    [
        (Level.NONE, set(), Action.ANSWER),
        (Level.STRESS, {Category.DISTRESS}, Action.SUPPORT),
        (Level.HINTS, {Category.HOPELESSNESS}, Action.PAUSE),
        (Level.STATED, {Category.SUICIDE}, Action.CARD),
        (Level.UNSAFE_HOME, {Category.UNSAFE_HOME}, Action.CARD),
        (Level.ACUTE, {Category.SUICIDE}, Action.CARD),
        (Level.NONE, {Category.VIOLENCE}, Action.REFUSE),
        (Level.NONE, {Category.COMPANION}, Action.REDIRECT),
        (Level.NONE, {Category.PERSONAL}, Action.REDACT),
    ],
)
def test_each_kind_of_verdict_has_its_own_act(
    level: Level, categories: set[Category], action: Action
) -> None:
    assert action_for(Verdict(level, frozenset(categories))) is action


def test_a_person_in_danger_never_gets_a_refusal() -> None:
    asked = frozenset({Category.SUICIDE, Category.METHOD, Category.DRUGS})
    assert action_for(Verdict(Level.STATED, asked)) is Action.CARD


def test_of_several_acts_the_most_careful_is_done() -> None:
    asked = frozenset({Category.PERSONAL, Category.COMPANION})
    assert action_for(Verdict(Level.STRESS, asked)) is Action.REDIRECT


def test_every_category_of_a_request_has_an_act() -> None:
    asked = list(Category)[
        list(Category).index(Category.METHOD) : list(Category).index(Category.PERSONAL) + 1
    ]
    assert all(
        action_for(Verdict(categories=frozenset({category}))) is not Action.ANSWER for category in asked
    )
