"""Reads of conversations and turns, limited to what a person may see of their own."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.models import Person
from chat.models import LIVE_STATES, Conversation, Turn, TurnState

# How long the tutor rests after a crisis card, or waits for the answer to a check-in, by level (docs/safety.md).
PAUSE_BY_LEVEL = {"2": timedelta(minutes=2), "3": timedelta(minutes=5), "4": timedelta(minutes=30)}
# An older card no longer pauses the tutor.
PAUSE_EXPIRES_AFTER = timedelta(hours=24)


def build_unsealed_filter(person: Person, started_at: str = "started_at") -> Q:
    """Return a filter that leaves out conversations which a parent's password help has sealed (families.password_help).

    `started_at` is the lookup path to the start of a conversation in the query.
    """
    return Q(**{f"{started_at}__gt": person.sealed_before}) if person.sealed_before else Q()


def list_conversations(person: Person) -> QuerySet[Conversation]:
    return Conversation.objects.filter(build_unsealed_filter(person), owner=person).order_by(
        "-asked_at", "-pk"
    )


def list_turns(person: Person) -> QuerySet[Turn]:
    return Turn.objects.filter(
        build_unsealed_filter(person, "conversation__started_at"), conversation__owner=person
    )


def get_conversation(person: Person, conversation_id: UUID) -> Conversation:
    """Return a conversation of the person. Raises Conversation.DoesNotExist if it is missing or not theirs."""
    return list_conversations(person).get(pk=conversation_id)


def get_turn(person: Person, turn_id: UUID) -> Turn:
    """Return a turn of the person. Raises Turn.DoesNotExist if it is missing or not theirs."""
    return list_turns(person).select_related("conversation").get(pk=turn_id)


def is_turn_live(person: Person, turn_id: UUID) -> bool:
    """Return whether a turn of the person waits or is being written. Raises Turn.DoesNotExist as `get_turn` does."""
    return list_turns(person).values_list("state", flat=True).get(pk=turn_id) in LIVE_STATES


def get_turn_status(person: Person, turn_id: UUID) -> tuple[bool, bool]:
    """Return whether a turn is live, and whether it is deferred. Raises Turn.DoesNotExist as `get_turn` does."""
    state = list_turns(person).values_list("state", flat=True).get(pk=turn_id)
    return state in LIVE_STATES, state == TurnState.DEFERRED


def list_shown_turns(conversation: Conversation) -> QuerySet[Turn]:
    """Return the conversation's turns, oldest first, without those that another turn replaced.

    A live retry is included beside the turn that it retries.
    """
    return conversation.turns.filter(replaced_by=None).order_by("asked_at", "pk")


def drop_duplicate_questions(turns: QuerySet[Turn]) -> QuerySet[Turn]:
    """Return each question once: without replaced turns and without live retries."""
    return turns.filter(replaced_by=None).exclude(retry_of__isnull=False, state__in=LIVE_STATES)


def get_earlier_turns(turns: Sequence[Turn]) -> dict[UUID, list[Turn]]:
    """Return the earlier turns of each turn's conversation, oldest first, by turn id. Uses one query.

    A turn without memory is left out.
    """
    remembering = [turn for turn in turns if turn.memory_tokens]
    shown = drop_duplicate_questions(
        Turn.objects.filter(conversation__in=[turn.conversation_id for turn in remembering])
    )
    by_conversation: defaultdict[UUID, list[Turn]] = defaultdict(list)
    for earlier in shown.order_by("asked_at"):
        by_conversation[earlier.conversation_id].append(earlier)
    return {
        # Leave out the retried turn as well: it has the same question.
        turn.pk: [
            earlier
            for earlier in by_conversation[turn.conversation_id]
            if earlier.pk not in {turn.pk, turn.retry_of_id}
        ]
        for turn in remembering
    }


def count_live_turns() -> dict[str, int]:
    """Return the number of live turns on the whole site, by state."""
    counted = dict(
        Turn.objects.filter(state__in=LIVE_STATES).order_by().values_list("state").annotate(Count("pk"))
    )
    return {str(state): counted.get(state, 0) for state in LIVE_STATES}


@dataclass(frozen=True)
class Pause:
    """The tutor rests after a crisis card. `until` is the earliest time at which the person may go on.

    A pause that only asks a check-in ends by itself at that time.
    """

    turn: Turn
    until: datetime

    @property
    def can_end(self) -> bool:
        return timezone.now() >= self.until

    @property
    def is_check_in(self) -> bool:
        return self.turn.state == TurnState.PAUSED


def find_pause(person: Person) -> Pause | None:
    """Return the pause that holds for `person`, or None. Of several, return the longest."""
    begun = list_turns(person).filter(
        state__in=[TurnState.CARDED, TurnState.PAUSED],
        resumed_at=None,
        level__in=PAUSE_BY_LEVEL,
        ended_at__gt=timezone.now() - PAUSE_EXPIRES_AFTER,
    )
    # This runs before every question and rarely finds a pause, so check cheaply first.
    if not begun.exists():
        return None
    # Count from when the card appeared: a card by the remote guard may come minutes after the question.
    pauses = [
        Pause(turn, turn.ended_at + PAUSE_BY_LEVEL[turn.level])
        for turn in begun.select_related("conversation")
        if turn.ended_at
    ]
    holding = [pause for pause in pauses if not (pause.is_check_in and pause.can_end)]
    return max(holding, key=lambda pause: (not pause.is_check_in, pause.until), default=None)
