"""What the answers of a hold's work were, by part. No database access."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Which model did a hold's work, and which part of its tokens and micro-dollars was the prompt.

    What is not the prompt is the answer. The question, memory (earlier turns and notes) and what the server had cached
    are parts of the prompt.
    """

    model: str = ""
    is_local: bool = True
    memory_policy: str = ""
    prompt_tokens: int = 0
    question_tokens: int = 0
    memory_tokens: int = 0
    cached_tokens: int = 0
    prompt_microdollars: int = 0
    memory_microdollars: int = 0

    def __post_init__(self) -> None:
        if (
            min(self.question_tokens, self.memory_tokens) < 0
            or self.question_tokens + self.memory_tokens > self.prompt_tokens
            or not 0 <= self.cached_tokens <= self.prompt_tokens
            or not 0 <= self.memory_microdollars <= self.prompt_microdollars
        ):
            raise ValueError("A part of a prompt cannot be larger than the prompt.")


UNKNOWN_USAGE = Usage()
