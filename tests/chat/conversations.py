"""Creates conversations with many turns."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from accounts.models import Person
from chat.models import Conversation, Turn, TurnState


def create_conversation(
    owner: Person, turns: int, *, title: str = "A long one", answer: str = "Because.", **fields: Any
) -> Conversation:
    """Create a conversation with `turns` answered turns, a minute apart: "Question 0", and so on."""
    start = timezone.now() - timedelta(days=3)
    conversation = Conversation.objects.create(
        owner=owner, title=title, started_at=start, asked_at=start + timedelta(minutes=turns)
    )
    create_turns(conversation, turns, start=start, answer=answer, **fields)
    return conversation


def create_turns(
    conversation: Conversation, count: int, *, start: datetime, minutes: float = 1, **fields: Any
) -> list[Turn]:
    return Turn.objects.bulk_create(
        Turn(
            **{
                "pk": uuid4(),
                "conversation": conversation,
                "question": f"Question {number}",
                "state": TurnState.ANSWERED,
                "asked_at": start + timedelta(minutes=number * minutes),
                "ended_at": start + timedelta(minutes=number * minutes),
                **fields,
            }
        )
        for number in range(count)
    )
