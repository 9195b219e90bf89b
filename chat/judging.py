"""Where a question is judged. What is done about the verdict stands in chat.acts."""

from collections.abc import Iterable

from chat.models import Turn
from guard import Verdict, judge_input


def verdict_for(question: str, past: Iterable[Turn]) -> Verdict:
    """What the guard says of a question after the turns before it, oldest first; they are read only if it asks."""
    return judge_input(question)
