"""Where a model is and how it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from inference.location import is_private_address

NO_FIELDS: Mapping[str, Any] = MappingProxyType({})
# Fields of a request that this site sets itself. An endpoint's extra fields must not name them.
RESERVED_FIELDS = frozenset(
    {
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "n",
        "stream",
        "stream_options",
        "tool_choice",
        "tools",
    }
)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A model on an OpenAI-compatible server. The timeouts are for the first token and for each one after it.

    The key is left out of `repr`, so that no log or traceback shows it.
    """

    base_url: str
    model: str
    api_key: str = field(default="none", repr=False)
    first_token_seconds: float = 120.0
    next_token_seconds: float = 20.0
    extra_fields: Mapping[str, Any] = field(default=NO_FIELDS, hash=False)
    # Whether answers begin with thinking that has only a closing tag. If not, the first answer decides.
    thinks_first: bool = False

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine or network."""
        return is_private_address(self.base_url)
