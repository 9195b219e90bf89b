"""Which past turns a prompt carries, and what that costs.

Remembering everything makes a conversation's cost grow with the square of its length. A window of tokens
keeps each question's cost flat: the newest turns that fit are carried whole, the older ones not at all.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from django.conf import settings

from chat.models import State, Turn
from chat.prompts.fence import harmless
from inference.talk import Message
from inference.tokens import TOKENS_A_MESSAGE, tokens_at_most

# How much of an unfinished answer a prompt carries that goes on with it: its end, a whole answer's length at most.
CONTINUED_TOKENS = 700
LEAST_CONTINUED_TOKENS = 100
# Less than this of a turn says nothing about it.
LEAST_REMEMBERED_TOKENS = 100
# What stands for the middle of a text; homework's own question is often its last sentence.
LEFT_OUT = "\n[…]\n"
# Where a sentence, a list's item or a paragraph begins.
BEGINNING = re.compile(r"(?<=[.!?])\s+|\n+")


def remembered(turns: Iterable[Turn], *, window: int) -> list[Message]:
    """The messages of the newest of `turns` (oldest first) whose tokens, at most, fit into `window` together.

    A newest turn that is too long is carried without the middle of its question or its answer.

    Only words that the person can see are carried, those of an answer that broke off too: a withheld answer has none,
    and a question that led to a help card, a pause or a refusal is never repeated to a model.
    """
    carried: list[Message] = []
    left = window
    for turn in reversed(list(turns)):
        if turn.state not in {State.ANSWERED, State.STOPPED, State.FAILED} or not turn.answer:
            continue
        question, answer = harmless(turn.question), harmless(turn.answer)
        needed = tokens_at_most(question) + tokens_at_most(answer)
        if needed > left and carried:
            break
        if needed > left:
            # The newest turn: without a word of it the next question leads nowhere ("And number two?").
            if left < LEAST_REMEMBERED_TOKENS:
                break
            question = shortened(question, tokens=max(left - tokens_at_most(answer), left // 2))
            answer = shortened(answer, tokens=left - tokens_at_most(question))
        left -= needed
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
    answer = harmless(" ".join(turn.answer for turn in continued))
    # What has to fit besides is the end of the answer so far and the least new answer, each of about that size.
    question = shortened(harmless(continued[0].question), tokens=room - 2 * LEAST_CONTINUED_TOKENS)
    left = room - tokens_at_most(question) - settings.TUTOR_ANSWER_TOKENS
    window = max(LEAST_CONTINUED_TOKENS, min(CONTINUED_TOKENS, left))
    return [
        {"role": "user", "content": question},
        {"role": "assistant", "content": _end_of(answer, tokens=window)},
    ]


def shortened(text: str, *, tokens: int) -> str:
    """The text where it fits into `tokens`, or else its beginning and twice as much of its end."""
    if tokens_at_most(text) <= tokens:
        return text
    sizes = range(1, len(text))
    size = bisect_right(sizes, tokens, key=lambda kept: tokens_at_most(_ends(text, kept)))
    return _ends(text, size)


def characters_within(text: str, *, tokens: int) -> int:
    """How many characters at the beginning of a text fit into `tokens`."""
    return bisect_right(range(1, len(text)), tokens, key=lambda size: tokens_at_most(text[:size]))


def _ends(text: str, size: int) -> str:
    return f"{text[: size // 3]}{LEFT_OUT}{text[len(text) - (size - size // 3) :]}" if size else ""


def _end_of(text: str, *, tokens: int) -> str:
    """The last whole sentences of `text`, and what follows them, that fit into `tokens`."""
    for start in (0, *(border.end() for border in BEGINNING.finditer(text))):
        if tokens_at_most(text[start:]) <= tokens:
            return text[start:]
    # One long sentence. A letter is four bytes at most, and a byte one token.
    return text[-((tokens - TOKENS_A_MESSAGE) // 4) :]
