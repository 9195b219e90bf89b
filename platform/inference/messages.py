"""What is said to a model, and what comes back."""

from dataclasses import dataclass
from typing import Literal, TypedDict


class ChatMessage(TypedDict):
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class AnswerDelta:
    """A piece of the answer, and how many tokens have been generated up to its end.

    The text is empty where the model is thinking: that is generated, and so paid for, but not shown. With
    `begins_again` all words before it turned out to be thinking, and the answer begins with this piece.
    """

    text: str
    tokens: int
    begins_again: bool = False


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """What an answer used. Tokens are None where the server reported no usage.

    `cached_tokens` are those of the prompt that the server had read before.
    """

    prompt_tokens: int | None
    answer_tokens: int | None
    reached_limit: bool
    cached_tokens: int = 0
