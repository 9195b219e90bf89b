"""Which past turns a prompt carries, and what that costs.

Remembering everything makes a conversation's cost grow with the square of its length. A window of tokens
keeps each question's cost flat: the newest turns that fit are carried whole, the older ones not at all.
"""

from collections.abc import Iterable

from chat.fence import harmless
from chat.models import State, Turn
from inference.talk import Message
from inference.tokens import tokens_at_most


def remembered(turns: Iterable[Turn], *, window: int) -> list[Message]:
    """The messages of the newest of `turns` (oldest first) whose tokens, at most, fit into `window` together.

    Only words that the person can see are carried, those of an answer that broke off too: a withheld answer has none,
    and a question that led to a help card, a pause or a refusal is never repeated to a model.
    """
    carried: list[Message] = []
    left = window
    for turn in reversed(list(turns)):
        if turn.state not in {State.ANSWERED, State.STOPPED, State.FAILED} or not turn.answer:
            continue
        question, answer = harmless(turn.question), harmless(turn.answer)
        left -= tokens_at_most(question) + tokens_at_most(answer)
        if left < 0:
            break
        carried[:0] = [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
    return carried
