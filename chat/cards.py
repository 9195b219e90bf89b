from django.conf import settings

from chat.models import State, Turn
from guard import Category, Level, Verdict
from safeguarding.cards import Card, card_for


def card_of(turn: Turn) -> Card | None:
    """The help card that a turn became, or None."""
    if turn.state != State.CARDED:
        return None
    verdict = Verdict(level=Level(turn.level), categories=frozenset(map(Category, turn.categories)))
    return card_for(verdict, country=settings.HELP_COUNTRY)
