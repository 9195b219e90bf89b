from collections.abc import Callable
from uuid import uuid4

import pytest

from accounts.models import Person
from chat.models import Conversation, Turn
from chat.services import turn_start

Ask = Callable[..., Turn]


@pytest.fixture
def ask() -> Ask:
    def asking(person: Person, question: str = "Why is the sky blue?", **how: object) -> Turn:
        return turn_start(person=person, turn_id=uuid4(), question=question, **how)  # type: ignore[arg-type]

    return asking


@pytest.fixture
def turn(teen: Person, ask: Ask) -> Turn:
    """The teen's first question, waiting for a worker."""
    return ask(teen)


@pytest.fixture
def conversation(turn: Turn) -> Conversation:
    return turn.conversation
