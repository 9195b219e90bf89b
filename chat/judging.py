"""Where a question is judged. What is done about the verdict stands in chat.acts."""

from collections.abc import Iterable

from chat.models import LONGEST_QUESTION, Turn
from guard import Verdict, judge_conversation, judge_input, worst

# Of what is longer, the crisis rules alone read the rest: a hostile text must not cost a second.
LONGEST_JUDGED = 8 * LONGEST_QUESTION


def verdict_for(question: str, past: Iterable[Turn]) -> Verdict:
    """What the guard says of a question after the turns before it, oldest first.

    What is longer than any question may be is never answered, but may be a long cry for help: it is judged by itself.
    """
    if len(question) > LONGEST_QUESTION:
        return worst(judge_input(question), judge_conversation([("user", question[:LONGEST_JUDGED])]))
    return judge_conversation([*(("user", turn.question) for turn in past), ("user", question)])
