from django.conf import settings

from chat.models import State, Turn
from chat.turns.acts import verdict_of
from safeguarding.cards import Card, card_for


def card_of(turn: Turn) -> Card | None:
    """The help card that a turn became, or that stands beside what it asks; or None."""
    if turn.state not in {State.CARDED, State.PAUSED}:
        return None
    return card_for(verdict_of(turn), country=settings.HELP_COUNTRY)
