"""Decides what an answer will do: which step of help, or a direct answer. Pure."""

from dataclasses import dataclass

from chat.method.attempts import find_written_follow_up, is_attempt, says_attempt, starts_like_task
from chat.method.kinds import QuestionKind, find_question_kind
from chat.method.ladder import (
    NO_LADDER,
    FollowUp,
    LadderState,
    follow,
    leave_step,
    list_possible,
    start_ladder,
)

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
