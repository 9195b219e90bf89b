"""Live turns and what a worker does with them, for tests that read their streams."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from accounts.models import Person
from chat import streaming
from chat.answering.leases import claim_turns, finish_turn
from chat.models import Conversation, EndReason, Turn, TurnState
from chat.streaming.valkey_stream import GATHER_SECONDS
from chat.turns.outcomes import Outcome


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


def claim_and_write(*texts: str) -> Turn:
    """Claim the only queued turn, and write these texts to its stream, as a worker does."""
    [turn] = claim_turns(limit=1)
    write_texts(turn.pk, *texts)
    return turn


def write_texts(turn_id: UUID, *texts: str) -> None:
    async def write() -> None:
        async with streaming.StreamWriter(turn_id) as writer:
            for number, text in enumerate(texts, start=1):
                writer.add(text, number)
                # Each text is an entry of its own.
                await asyncio.sleep(2 * GATHER_SECONDS)

    asyncio.run(write())


def finish(turn: Turn, answer: str = "", state: TurnState = TurnState.ANSWERED, **fields: Any) -> None:
    """End a claimed turn, as its worker does."""
    used: dict[str, Any] = {"end_reason": EndReason.NONE, "prompt_tokens": 20, "answer_tokens": 5} | fields
    assert finish_turn(turn=turn, outcome=Outcome(state=state, answer=answer, **used))
