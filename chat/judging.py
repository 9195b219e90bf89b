"""Where a question is judged. What is done about the verdict stands in chat.acts."""

from collections.abc import Iterable

from chat.models import LONGEST_QUESTION, Turn
from guard import Verdict, judge_conversation, judge_input


def verdict_for(question: str, past: Iterable[Turn]) -> Verdict:
    """What the guard says of a question after the turns before it, oldest first.

    What is longer than any question may be is judged for a crisis alone: that takes time in proportion to its length.
    """
    if len(question) > LONGEST_QUESTION:
        return judge_input(question)
    return judge_conversation([*(("user", turn.question) for turn in past), ("user", question)])
