"""The steps of help with a piece of homework, and what a message leads to. Pure: the state is that of a conversation.

    try (what have you tried) · hint · bigger hint · example (a similar one, worked out)

Each hint goes one step further. A learner's own attempt is checked at any step, and after one the whole way may be
shown. ADR 68 says why, and what counts as an attempt.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from chat.method.reading import (
    FollowUp,
    QuestionKind,
    find_question_kind,
    find_written_follow_up,
    is_attempt,
    says_attempt,
    starts_like_task,
)


class HelpStep(StrEnum):
    """What an answer does for a piece of homework. The values are stored."""

    NONE = ""
    TRY = "try"
    HINT = "hint"
    BIGGER_HINT = "bigger_hint"
    EXAMPLE = "example"
    CHECK = "check"
    WHOLE = "whole"


HINT_STEPS = (HelpStep.HINT, HelpStep.BIGGER_HINT, HelpStep.EXAMPLE)
# These say the same again, so that nothing of the state changes.
SAYS_AGAIN = {FollowUp.DIFFERENTLY, FollowUp.SIMPLER}


@dataclass(frozen=True)
class LadderState:
    """Where a conversation is after an answer. `is_open`: there is a piece of homework, with `hints` given for it."""

    is_open: bool = False
    step: HelpStep = HelpStep.NONE
    hints: int = 0
    has_attempt: bool = False


NO_LADDER = LadderState()


class NotOffered(Exception):
    """A follow-up that the state does not allow, such as the whole way before an attempt."""


def start_ladder(*, has_attempt: bool) -> LadderState:
    """Return the state of a new piece of homework. An attempt in the question itself is checked at once."""
    return LadderState(
        is_open=True, step=HelpStep.CHECK if has_attempt else HelpStep.TRY, has_attempt=has_attempt
    )


def leave_step(state: LadderState) -> LadderState:
    """Return the state after an answer that is not a step: the homework stays open."""
    return replace(state, step=HelpStep.NONE)


def follow(state: LadderState, follow_up: FollowUp) -> LadderState:
    """Return the state of the answer to a follow-up. Raises NotOffered for one that the state does not allow."""
    if follow_up not in list_possible(state):
        raise NotOffered(follow_up)
    match follow_up:
        case FollowUp.HINT:
            hints = min(state.hints + 1, len(HINT_STEPS))
            return replace(state, step=HINT_STEPS[hints - 1], hints=hints)
        case FollowUp.CHECK:
            return replace(state, step=HelpStep.CHECK, has_attempt=True)
        case FollowUp.WHOLE:
            return replace(state, step=HelpStep.WHOLE)
        case FollowUp.QUIZ:
            return leave_step(state)
    return state


def list_possible(state: LadderState) -> set[FollowUp]:
    """Return the follow-ups that may be asked for in this state, by a button, in words or by a program."""
    possible = {FollowUp.DIFFERENTLY, FollowUp.SIMPLER, FollowUp.QUIZ}
    if state.is_open:
        possible |= {FollowUp.HINT, FollowUp.CHECK}
    if state.is_open and state.has_attempt:
        possible.add(FollowUp.WHOLE)
    return possible


def list_offered(state: LadderState) -> list[FollowUp]:
    """Return the follow-ups that have a button under an answer, in their order: those that fit it best."""
    again = [FollowUp.DIFFERENTLY, FollowUp.SIMPLER]
    whole = [FollowUp.WHOLE] if state.has_attempt else []
    match state.step:
        case HelpStep.NONE | HelpStep.WHOLE:
            return [*again, FollowUp.QUIZ]
        case HelpStep.TRY:
            return [FollowUp.HINT, FollowUp.CHECK, *whole]
        case HelpStep.CHECK:
            return [FollowUp.CHECK, FollowUp.HINT, *whole, FollowUp.DIFFERENTLY]
    return [FollowUp.CHECK, FollowUp.HINT, *whole, *again]


# A message in an open task with at least so many words and the marks of homework is a new task and no attempt.
_MIN_TASK_WORDS = 12


@dataclass(frozen=True)
class Decision:
    """What a question is, what it asks of the answer before it, and the state that its answer leads to."""

    kind: QuestionKind
    state: LadderState = NO_LADDER
    follow_up: FollowUp = FollowUp.NONE
    starts_task: bool = False


def decide_follow_up(asked: FollowUp, text: str, *, before: LadderState, task: str) -> Decision:
    """Decide about a button under an answer. `text` is what was sent to be checked.

    Where that shows no attempt ("I don't know"), a hint helps more than a check. Raises NotOffered.
    """
    if asked is FollowUp.CHECK and before.is_open and not is_attempt(text, task=task):
        asked = FollowUp.HINT
    return Decision(QuestionKind.OTHER, follow(before, asked), asked)


def decide_message(message: str, *, before: LadderState, task: str, has_answer: bool) -> Decision:
    """Decide about a written message. `has_answer` is whether there is an answer that it may refer to."""
    written = find_written_follow_up(message) if has_answer else FollowUp.NONE
    if written is FollowUp.WHOLE and before.is_open and not before.has_attempt:
        # One more hint, and the page says that the whole way comes after an attempt.
        written = FollowUp.HINT
    if written and written in list_possible(before):
        return Decision(QuestionKind.OTHER, follow(before, written), written)
    kind = find_question_kind(message)
    if before.is_open and not _is_new_task(message, kind) and is_attempt(message, task=task):
        return Decision(QuestionKind.OTHER, follow(before, FollowUp.CHECK), FollowUp.CHECK)
    if kind is QuestionKind.HOMEWORK:
        return Decision(kind, start_ladder(has_attempt=says_attempt(message)), starts_task=True)
    return Decision(kind, leave_step(before))


def _is_new_task(message: str, kind: QuestionKind) -> bool:
    if kind is QuestionKind.DIRECT:
        return not says_attempt(message)
    if kind is not QuestionKind.HOMEWORK or says_attempt(message):
        return False
    return starts_like_task(message) or len(message.split()) >= _MIN_TASK_WORDS
