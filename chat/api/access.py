"""The asker's own things, or 404: an id tells nothing."""

from uuid import UUID

from django.http import Http404

from accounts.models import Person
from chat.models import Conversation, Turn
from chat.selectors import conversation_of, turn_of
from telemetry.context import note


def own_conversation(person: Person, conversation_id: UUID) -> Conversation:
    try:
        return conversation_of(person, conversation_id)
    except Conversation.DoesNotExist as fault:
        raise Http404 from fault


def own_turn(person: Person, turn_id: UUID) -> Turn:
    note(turn=turn_id)
    try:
        return turn_of(person, turn_id)
    except Turn.DoesNotExist as fault:
        raise Http404 from fault
