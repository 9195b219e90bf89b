"""Live turns in the database, for tests that read their streams."""

from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from accounts.models import Person
from chat.models import Conversation, Turn, TurnState


def make_live_turns(owner: Person, count: int) -> list[Turn]:
    """Create one turn in each of `count` conversations, claimed by a worker that does not exist."""
    now = timezone.now()
    talks = Conversation.objects.bulk_create(Conversation(owner=owner, title="Rain") for _ in range(count))
    return Turn.objects.bulk_create(
        Turn(
            pk=uuid4(),
            conversation=conversation,
            question="Why does it rain?",
            state=TurnState.WORKING,
            claim=uuid4(),
            claimed_at=now,
            lease_until=now + timedelta(minutes=10),
        )
        for conversation in talks
    )
