"""The steps of help with a piece of homework, and which follows which. Pure: the state is that of a conversation.

    try (what have you tried) · hint · bigger hint · example (a similar one, worked out)

Each hint goes one step further. A learner's own attempt is checked at any step, and after one the whole way may be
shown. ADR 68 says why, and what counts as an attempt.
"""

from dataclasses import dataclass, replace
from enum import StrEnum


class HelpStep(StrEnum):
    """What an answer does for a piece of homework. The values are stored."""

    NONE = ""
    TRY = "try"
    HINT = "hint"
    BIGGER_HINT = "bigger_hint"
    EXAMPLE = "example"
    CHECK = "check"
    WHOLE = "whole"


class FollowUp(StrEnum):
    """What a learner asks for with a button under an answer, or in words that mean the same. The values are stored."""

    NONE = ""
    HINT = "hint"
    CHECK = "check"
    WHOLE = "whole"
    DIFFERENTLY = "differently"
    SIMPLER = "simpler"
    QUIZ = "quiz"


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
