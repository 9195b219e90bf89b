"""The steps of help: which follows which, whatever a learner asks for."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.method.ladder import (
    HINT_STEPS,
    NO_LADDER,
    FollowUp,
    HelpStep,
    LadderState,
    NotOffered,
    follow,
    list_offered,
    list_possible,
    start_ladder,
)

FOLLOW_UPS = [follow_up for follow_up in FollowUp if follow_up]
follow_ups = st.lists(st.sampled_from(FOLLOW_UPS), max_size=12)


def walk(state: LadderState, asked: list[FollowUp]) -> list[LadderState]:
    """Return the states that a learner passes who asks for these, without what is not offered."""
    states = [state]
    for follow_up in asked:
        if follow_up in list_possible(states[-1]):
            states.append(follow(states[-1], follow_up))
    return states


@given(st.booleans(), follow_ups)
def test_the_whole_way_is_shown_only_after_an_attempt(has_attempt: bool, asked: list[FollowUp]) -> None:
    for state in walk(start_ladder(has_attempt=has_attempt), asked):
        assert state.step is not HelpStep.WHOLE or state.has_attempt


@given(st.booleans(), follow_ups)
def test_hints_never_go_back_and_an_attempt_is_never_forgotten(
    has_attempt: bool, asked: list[FollowUp]
) -> None:
    states = walk(start_ladder(has_attempt=has_attempt), asked)
    for before, after in pairwise(states):
        assert before.hints <= after.hints <= before.hints + 1 <= len(HINT_STEPS) + 1
        assert after.has_attempt >= before.has_attempt
        assert after.is_open


@given(st.booleans(), follow_ups)
def test_every_button_can_be_pressed(has_attempt: bool, asked: list[FollowUp]) -> None:
    for state in walk(start_ladder(has_attempt=has_attempt), asked):
        offered = list_offered(state)
        assert len(set(offered)) == len(offered) <= 5
        for follow_up in offered:
            follow(state, follow_up)


@given(follow_ups)
def test_a_question_without_homework_never_becomes_a_ladder(asked: list[FollowUp]) -> None:
    for state in walk(NO_LADDER, asked):
        assert not state.is_open
        assert state.step is HelpStep.NONE


@given(st.booleans(), follow_ups, st.sampled_from([FollowUp.DIFFERENTLY, FollowUp.SIMPLER]))
def test_saying_it_again_changes_nothing(has_attempt: bool, asked: list[FollowUp], again: FollowUp) -> None:
    state = walk(start_ladder(has_attempt=has_attempt), asked)[-1]
    assert follow(state, again) == state


def test_each_hint_goes_further() -> None:
    states = walk(start_ladder(has_attempt=False), [FollowUp.HINT] * 5)
    assert [state.step for state in states] == [
        HelpStep.TRY,
        HelpStep.HINT,
        HelpStep.BIGGER_HINT,
        HelpStep.EXAMPLE,
        HelpStep.EXAMPLE,
        HelpStep.EXAMPLE,
    ]


def test_a_hint_after_a_check_goes_on_where_the_hints_were() -> None:
    states = walk(start_ladder(has_attempt=False), [FollowUp.HINT, FollowUp.CHECK, FollowUp.HINT])
    assert [state.step for state in states[-2:]] == [HelpStep.CHECK, HelpStep.BIGGER_HINT]


def test_an_attempt_in_the_question_is_checked_at_once() -> None:
    assert start_ladder(has_attempt=True).step is HelpStep.CHECK


def test_just_tell_me_is_a_button_only_after_an_attempt() -> None:
    state = start_ladder(has_attempt=False)
    assert FollowUp.WHOLE not in list_offered(state)
    with pytest.raises(NotOffered):
        follow(state, FollowUp.WHOLE)
    assert FollowUp.WHOLE in list_offered(follow(state, FollowUp.CHECK))


def test_a_direct_answer_offers_no_hint() -> None:
    assert list_offered(NO_LADDER) == [FollowUp.DIFFERENTLY, FollowUp.SIMPLER, FollowUp.QUIZ]
