"""What chat, a room above, knows about a teen in a crisis. Chat registers how to read it.

Only reviewing and alerting use it: the questions around an incident, and whether home was ever said to be unsafe.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import Person


@dataclass(frozen=True, kw_only=True)
class ContextLine:
    """One question of the teen near a message of an incident. Answers are not part of it.

    `is_for_lead`: it was about an unsafe home, and only a lead reads it.
    """

    asked_at: datetime
    question: str
    is_crisis: bool
    is_for_lead: bool = False


type ReadContext = Callable[[Sequence[UUID], datetime], list[ContextLine]]
type HasSaidUnsafe = Callable[[Person], bool]

_readers: list[tuple[ReadContext, HasSaidUnsafe]] = []


def register_context(read: ReadContext, has_said: HasSaidUnsafe) -> None:
    """Register how to read the questions around turns, and whether a person has said that home is not safe."""
    if (read, has_said) not in _readers:
        _readers.append((read, has_said))


def read_context(turn_ids: Sequence[UUID], *, since: datetime) -> list[ContextLine]:
    """Return the teen's questions around these turns, oldest first, from `since` on. Those they deleted are gone."""
    return [line for read, _has_said in _readers for line in read(turn_ids, since)]


def has_said_unsafe(teen: Person) -> bool:
    """Return whether the teen has written that home is not safe, even before people reviewed crises."""
    return any(has_said(teen) for _read, has_said in _readers)
