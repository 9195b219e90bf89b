"""Which past turns a prompt carries, and what that costs.

Remembering everything makes a conversation's cost grow with the square of its length. A window of tokens
keeps each question's cost flat: the newest turns that fit are carried whole, the older ones not at all.
"""

import re
from collections.abc import Iterable, Sequence

from django.conf import settings

from chat.fence import harmless
from chat.models import State, Turn
from inference.talk import Message
from inference.tokens import TOKENS_A_MESSAGE, tokens_at_most

# How much of an unfinished answer a prompt carries that goes on with it: its end, a whole answer's length at most.
CONTINUED_TOKENS = 700
LEAST_CONTINUED_TOKENS = 100
# Where a sentence, a list's item or a paragraph begins.
BEGINNING = re.compile(r"(?<=[.!?])\s+|\n+")


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


def unfinished(continued: Sequence[Turn], *, room: int) -> list[Message]:
    """The question and the end of the answer so far of the turns that are gone on with, oldest first.

    `room` is what question, answer so far and new answer have together; the new answer's usual length comes first.
    """
    if not continued:
        return []
    question = harmless(continued[0].question)
    answer = harmless(" ".join(turn.answer for turn in continued))
    left = room - tokens_at_most(question) - settings.TUTOR_ANSWER_TOKENS
    window = max(LEAST_CONTINUED_TOKENS, min(CONTINUED_TOKENS, left))
    return [
        {"role": "user", "content": question},
        {"role": "assistant", "content": _end_of(answer, tokens=window)},
    ]


def _end_of(text: str, *, tokens: int) -> str:
    """The last whole sentences of `text`, and what follows them, that fit into `tokens`."""
    for start in (0, *(border.end() for border in BEGINNING.finditer(text))):
        if tokens_at_most(text[start:]) <= tokens:
            return text[start:]
    # One long sentence. A letter is four bytes at most, and a byte one token.
    return text[-((tokens - TOKENS_A_MESSAGE) // 4) :]
