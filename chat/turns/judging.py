"""Where a question is judged. What is done about the verdict stands in chat.turns.acts."""

from collections.abc import Iterable

from chat.models import LONGEST_QUESTION, Turn
from guard import Verdict, judge_conversation


def verdict_for(question: str, past: Iterable[Turn]) -> Verdict:
    """What the guard says of a question after the turns before it, oldest first.

    A question that is too long is never answered, but may be a long cry for help: all of it is judged, by itself.
    """
    before = () if len(question) > LONGEST_QUESTION else past
    return judge_conversation([*(("user", turn.question) for turn in before), ("user", question)])
