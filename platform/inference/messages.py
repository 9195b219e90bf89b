"""The messages sent to a model, and the parts of its answer."""

from dataclasses import dataclass
from typing import Literal, TypedDict


class ChatMessage(TypedDict):
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class AnswerDelta:
    """A piece of the answer. `tokens` is the number of tokens generated up to its end.

    The text is empty while the model is thinking, which costs tokens but is not shown. With `begins_again`, all text
    before was thinking and the answer begins with this piece.
    """

    text: str
    tokens: int
    begins_again: bool = False


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """The tokens of an answer. None if the server reported no usage.

    `cached_tokens` are the part of the prompt that the server had cached.
    """

    prompt_tokens: int | None
    answer_tokens: int | None
    has_reached_limit: bool
    cached_tokens: int = 0
