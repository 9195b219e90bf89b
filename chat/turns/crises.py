"""Tells safeguarding of questions in a crisis, and shows it what was asked around them (ADR 60)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from accounts.models import Person
from chat.models import Turn, TurnState
from guard import Level, Verdict
from safeguarding.cards import SAFETY_CATEGORIES
from safeguarding.context import ContextLine
from safeguarding.incidents import SAME_CRISIS_WITHIN, lock_crises, record_card, record_check_in

# How many questions before and after each one of an incident a reviewer may ask to read.
CONTEXT_QUESTIONS = 3


def record_crisis(turn: Turn, verdict: Verdict, *, person: Person, state: str) -> None:
    """Count the card or check-in of a turn and, where people review crises, put it into an incident.

    Runs in the transaction that stores the turn's new `state`. Any other state than a card or a check-in is ignored.
    """
    if state == TurnState.PAUSED:
        record_check_in()
    elif state == TurnState.CARDED:
        # Of two cards at the same time, the later one finds the earlier one.
        lock_crises(person=person)
        record_card(
            person=person,
            turn_id=turn.pk,
            text=turn.question,
            verdict=verdict,
            has_earlier_card=_has_earlier_card(turn, person),
        )


def _has_earlier_card(turn: Turn, person: Person) -> bool:
    since = timezone.now() - SAME_CRISIS_WITHIN
    cards = Turn.objects.filter(conversation__owner=person, state=TurnState.CARDED, ended_at__gt=since)
    return cards.exclude(pk=turn.pk).exists()


def read_context(turn_ids: Sequence[UUID], since: datetime) -> list[ContextLine]:
    """Return the questions around these turns in their own conversations, oldest first. Answers are left out.

    None from before `since`: the teen was not told then that people may read them.
    """
    wanted = set(turn_ids)
    conversations = Turn.objects.filter(pk__in=wanted).values("conversation")
    by_conversation: dict[UUID, list[Turn]] = {}
    asked = Turn.objects.filter(conversation__in=conversations, replaced_by=None, asked_at__gte=since)
    for turn in asked.order_by("asked_at", "pk"):
        by_conversation.setdefault(turn.conversation_id, []).append(turn)
    near = [
        turn
        for turns in by_conversation.values()
        for place, turn in enumerate(turns)
        if any(
            other.pk in wanted
            for other in turns[max(place - CONTEXT_QUESTIONS, 0) : place + CONTEXT_QUESTIONS + 1]
        )
    ]
    near.sort(key=lambda turn: turn.asked_at)
    return [
        ContextLine(
            asked_at=turn.asked_at,
            question=turn.question,
            is_crisis=turn.pk in wanted,
            is_for_lead=_is_about_safety(turn),
        )
        for turn in near
    ]


def _is_about_safety(turn: Turn) -> bool:
    """Return whether a question was about an unsafe home. At level 4, a life in danger came first."""
    if turn.level == Level.ACUTE:
        return False
    return turn.level == Level.UNSAFE_HOME or not SAFETY_CATEGORIES.isdisjoint(turn.categories)


def has_said_unsafe(person: Person) -> bool:
    """Return whether a card ever answered this person about an unsafe home, in a conversation that they kept."""
    cards = Turn.objects.filter(conversation__owner=person, state=TurnState.CARDED)
    # At level 4, a life in danger came first.
    is_unsafe = Q(level=str(Level.UNSAFE_HOME)) | Q(categories__overlap=sorted(SAFETY_CATEGORIES))
    return cards.filter(is_unsafe).exists()
