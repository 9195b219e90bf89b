"""What is said to a model, and what comes back."""

from dataclasses import dataclass
from typing import Literal, TypedDict


class Message(TypedDict):
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of the answer, and how many tokens have been generated up to its end."""

    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Usage:
    """The end of an answer. Tokens are None where the server reported no usage."""

    prompt_tokens: int | None
    answer_tokens: int | None
    reached_limit: bool
