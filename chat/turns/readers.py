"""Who may read the messages of turns with a card or a check-in, for the texts that say so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from chat.models import Turn, TurnState
from guard import Level
from safeguarding.card_review import (
    CheckInReview,
    find_card_reviews,
    find_check_in_review,
    has_ever_been_reviewed,
)
from safeguarding.cards import CardReview


@dataclass(frozen=True)
class CrisisReaders:
    """What the cards and check-ins of some turns say about the people who may read the messages."""

    by_turn: Mapping[UUID, CardReview] = field(default_factory=dict)
    after_yes: CheckInReview | None = None
    # False if this page says nothing about it.
    is_said: bool = True


def find_crisis_readers(turns: Sequence[Turn]) -> CrisisReaders:
    """Return what the asker of the turns is told, who is one person. Costs no query without a card or check-in."""
    waiting = next((turn for turn in turns if turn.state == TurnState.PAUSED and not turn.resumed_at), None)
    return CrisisReaders(
        by_turn=find_card_reviews([turn.pk for turn in turns if _may_be_reviewed(turn)]),
        after_yes=find_check_in_review(waiting.conversation.owner) if waiting else None,
    )


def get_readers_for_parent(turns: Sequence[Turn]) -> CrisisReaders:
    """Return what a parent is told: whether people have read a message is the teen's to know."""
    has_card = any(_may_be_reviewed(turn) for turn in turns)
    return CrisisReaders(is_said=not (has_card and has_ever_been_reviewed()))


def _may_be_reviewed(turn: Turn) -> bool:
    return turn.state == TurnState.CARDED and Level(turn.level) >= Level.STATED


NO_READERS = CrisisReaders()
