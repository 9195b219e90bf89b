"""The steps of help: which follows which, whatever a learner asks for, and which a message leads to."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.method.ladder import (
    HINT_STEPS,
    NO_LADDER,
    HelpStep,
    LadderState,
    NotOffered,
    decide_follow_up,
    decide_message,
    follow,
    list_offered,
    list_possible,
    start_ladder,
)
from chat.method.reading import FollowUp, QuestionKind, is_attempt

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


# --- Which step a message leads to ---

TASK = "Solve 2x + 3 = 11"
ASKED = start_ladder(has_attempt=False)
HINTED = follow(ASKED, FollowUp.HINT)


def decide(message: str, before: LadderState = HINTED) -> tuple[HelpStep, FollowUp]:
    decision = decide_message(message, before=before, task=TASK, has_answer=True)
    return decision.state.step, decision.follow_up


@pytest.mark.parametrize(
    "reply",
    [
        "x = 4",
        "4",
        "is it 4?",
        "2x = 8",
        "I got 7",
        "I subtracted 3 from both sides",
        "because you do the same on both sides",
        "I think you divide by 2 first",
        "me dio 4",
        "resto 3 en los dos lados",
        "creo que es 4",
        "my answer is 5, is that right?",
    ],
)
def test_a_step_a_result_a_guess_or_a_reason_is_an_attempt_right_or_wrong(reply: str) -> None:
    assert is_attempt(reply, task=TASK)
    assert decide(reply) == (HelpStep.CHECK, FollowUp.CHECK)


@pytest.mark.parametrize(
    "reply",
    [
        "idk",
        "I don't know",
        "no sé cómo empezar",
        "ok",
        "this is hard",
        "just tell me",
        "what is the answer",
        "dame la respuesta",
        "can you solve it for me now please",
        "solve 2x + 3 = 11",
        "2x + 3 = 11",
        "help me with this thing right now",
        "",
    ],
)
def test_not_knowing_asking_or_copying_the_task_is_no_attempt(reply: str) -> None:
    assert not is_attempt(reply, task=TASK)
    assert decide(reply)[0] is not HelpStep.CHECK


def test_just_tell_me_gets_one_more_hint_before_an_attempt_and_the_whole_way_after_one() -> None:
    assert decide("just tell me") == (HelpStep.BIGGER_HINT, FollowUp.HINT)
    assert decide("just tell me", follow(HINTED, FollowUp.CHECK)) == (HelpStep.WHOLE, FollowUp.WHOLE)


def test_homework_starts_a_ladder() -> None:
    decision = decide_message(TASK, before=NO_LADDER, task="", has_answer=False)
    assert decision.starts_task
    assert decision.state == ASKED


def test_homework_with_an_attempt_is_checked_at_once() -> None:
    message = "I got x = 7 for 2x + 3 = 11, is that right?"
    assert decide_message(message, before=NO_LADDER, task="", has_answer=False).state.step is HelpStep.CHECK


def test_other_homework_starts_anew() -> None:
    decision = decide_message(
        "Solve 5x = 35", before=follow(HINTED, FollowUp.CHECK), task=TASK, has_answer=True
    )
    assert decision.starts_task
    assert decision.state == ASKED


@pytest.mark.parametrize("question", ["What is a coefficient?", "¿qué es un coeficiente?"])
def test_a_fact_is_answered_directly_and_the_homework_stays_open(question: str) -> None:
    decision = decide_message(question, before=HINTED, task=TASK, has_answer=True)
    assert (decision.kind, decision.state.step) == (QuestionKind.DIRECT, HelpStep.NONE)
    assert decide_message("hint", before=decision.state, task=TASK, has_answer=True).state.step is (
        HelpStep.BIGGER_HINT
    )


def test_a_direct_question_starts_no_ladder() -> None:
    decision = decide_message("Why is the sky blue?", before=NO_LADDER, task="", has_answer=False)
    assert not decision.state.is_open


def test_without_an_answer_before_it_a_written_follow_up_refers_to_nothing() -> None:
    decision = decide_message("quiz me", before=NO_LADDER, task="", has_answer=False)
    assert decision.follow_up is FollowUp.NONE


def test_i_do_not_know_in_the_box_for_a_step_gets_a_hint() -> None:
    decision = decide_follow_up(FollowUp.CHECK, "no idea", before=ASKED, task=TASK)
    assert (decision.follow_up, decision.state.step) == (FollowUp.HINT, HelpStep.HINT)
    assert not decision.state.has_attempt
