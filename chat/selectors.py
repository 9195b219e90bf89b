"""Reads, always for the person who asks."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.models import Person
from chat.models import LIVE_STATES, Conversation, Turn, TurnState

# How long tutoring rests after a help card, by the card's level, or waits for an answer (docs/safety.md).
PAUSE_BY_LEVEL = {"2": timedelta(minutes=2), "3": timedelta(minutes=5), "4": timedelta(minutes=30)}
# A card from another day no longer holds anybody up.
PAUSE_EXPIRES_AFTER = timedelta(hours=24)


def build_unsealed_filter(person: Person, started_at: str = "started_at") -> Q:
    """Leaves out what is closed to whoever signs in as `person`: see families.password_help.

    `started_at` is how the query reaches the beginning of a conversation.
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
    """Raises Conversation.DoesNotExist for one that is not there or not theirs."""
    return list_conversations(person).get(pk=conversation_id)


def get_turn(person: Person, turn_id: UUID) -> Turn:
    """Raises Turn.DoesNotExist for one that is not there or not theirs."""
    return list_turns(person).select_related("conversation").get(pk=turn_id)


def is_turn_live(person: Person, turn_id: UUID) -> bool:
    """Whether a turn of theirs waits or is being written. Raises Turn.DoesNotExist as `turn_of` does."""
    return list_turns(person).values_list("state", flat=True).get(pk=turn_id) in LIVE_STATES


def get_turn_status(person: Person, turn_id: UUID) -> tuple[bool, bool]:
    """Whether a turn of theirs lives, and whether it waits for the model. Raises as `turn_of` does."""
    state = list_turns(person).values_list("state", flat=True).get(pk=turn_id)
    return state in LIVE_STATES, state == TurnState.DEFERRED


def list_shown_turns(conversation: Conversation) -> QuerySet[Turn]:
    """The conversation's turns, oldest first, without those that another turn replaced.

    A retry that is still being written is shown beside the turn that it retries.
    """
    return conversation.turns.filter(replaced_by=None).order_by("asked_at", "pk")


def drop_duplicate_questions(turns: QuerySet[Turn]) -> QuerySet[Turn]:
    """Every question once: without turns that were replaced, and without retries that are still being written."""
    return turns.filter(replaced_by=None).exclude(retry_of__isnull=False, state__in=LIVE_STATES)


def get_earlier_turns(turns: Sequence[Turn]) -> dict[UUID, list[Turn]]:
    """What each of these turns remembers of its conversation, oldest first, by the turn's id; read at once."""
    remembering = [turn for turn in turns if turn.memory_tokens]
    shown = drop_duplicate_questions(
        Turn.objects.filter(conversation__in=[turn.conversation_id for turn in remembering])
    )
    talks: defaultdict[UUID, list[Turn]] = defaultdict(list)
    for one in shown.order_by("asked_at"):
        talks[one.conversation_id].append(one)
    return {
        # Not the turn that it retries either: that has the same question.
        turn.pk: [one for one in talks[turn.conversation_id] if one.pk not in {turn.pk, turn.retry_of_id}]
        for turn in remembering
    }


def count_live_turns() -> dict[str, int]:
    """How many turns wait and how many are being written, of everybody's; for those who run the site."""
    counted = dict(
        Turn.objects.filter(state__in=LIVE_STATES).order_by().values_list("state").annotate(Count("pk"))
    )
    return {str(state): counted.get(state, 0) for state in LIVE_STATES}


@dataclass(frozen=True)
class Pause:
    """Tutoring rests because of a help card: `until` is the earliest time that its reader may go on.

    One that only waits for an answer ends by itself then.
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
    """The pause that holds for `person`, or None. Of several it is the one that lasts longest."""
    begun = list_turns(person).filter(
        state__in=[TurnState.CARDED, TurnState.PAUSED],
        resumed_at=None,
        level__in=PAUSE_BY_LEVEL,
        ended_at__gt=timezone.now() - PAUSE_EXPIRES_AFTER,
    )
    # Asked before every question, and hardly ever so.
    if not begun.exists():
        return None
    # From when the card came up: one that only the remote guard called for comes minutes after the question.
    pauses = [
        Pause(turn, turn.ended_at + PAUSE_BY_LEVEL[turn.level])
        for turn in begun.select_related("conversation")
        if turn.ended_at
    ]
    holding = [pause for pause in pauses if not (pause.is_check_in and pause.can_end)]
    return max(holding, key=lambda pause: (not pause.is_check_in, pause.until), default=None)
