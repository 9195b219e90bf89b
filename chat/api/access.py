"""The asker's own things, or 404: an id tells nothing."""

from uuid import UUID

from accounts.models import Person
from chat.models import Conversation, Turn
from chat.selectors import conversation_of, turn_of
from kit.found import or_404
from telemetry.context import note


def own_conversation(person: Person, conversation_id: UUID) -> Conversation:
    with or_404(Conversation.DoesNotExist):
        return conversation_of(person, conversation_id)


def own_turn(person: Person, turn_id: UUID) -> Turn:
    note(turn=turn_id)
    with or_404(Turn.DoesNotExist):
        return turn_of(person, turn_id)
