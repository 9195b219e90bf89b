"""What an answer will do: a step of help, a check of an attempt, or a direct answer."""

import pytest

from chat.method.attempts import find_written_follow_up, is_attempt
from chat.method.decision import decide_follow_up, decide_message
from chat.method.kinds import QuestionKind
from chat.method.ladder import NO_LADDER, FollowUp, HelpStep, LadderState, follow, start_ladder

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


@pytest.mark.parametrize(
    ("message", "follow_up"),
    [
        ("another hint please", FollowUp.HINT),
        ("I'm stuck", FollowUp.HINT),
        ("una pista", FollowUp.HINT),
        ("just tell me", FollowUp.WHOLE),
        ("dime la respuesta", FollowUp.WHOLE),
        ("I still don't get it", FollowUp.DIFFERENTLY),
        ("no entiendo", FollowUp.DIFFERENTLY),
        ("simpler please", FollowUp.SIMPLER),
        ("más fácil", FollowUp.SIMPLER),
        ("quiz me on this", FollowUp.QUIZ),
        ("hazme preguntas", FollowUp.QUIZ),
        ("what is a quiz", FollowUp.NONE),
        ("tell me the answer of the Sphinx to Oedipus", FollowUp.NONE),
    ],
)
def test_a_follow_up_may_be_written(message: str, follow_up: FollowUp) -> None:
    assert find_written_follow_up(message) is follow_up


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
