"""The page of a conversation, and the form for its next question."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings

from accounts.models import Person
from budgets.selectors import Meter, meter
from chat.models import LONGEST_QUESTION, Conversation, Turn
from chat.replies.budget_words import meter_said
from chat.replies.deferred_words import outage_words
from chat.selectors import Pause, conversations_of, pause_of
from chat.turns.outages import model_outage
from chat.web.history import TurnsPage, newest_turns, turn_address
from chat.web.pages import turns_shown_on_page
from families.gate import Gate, gate_of
from inference.place import guard_host, runs_at_home
from safeguarding.review import chat_is_open

# Beside the tutor; chat.web.history_views has all of them.
CONVERSATIONS_LISTED = 20


@dataclass(frozen=True)
class Composer:
    """The form for the next question. Its `turn_id` makes posting it twice ask once."""

    person: Person
    conversation: Conversation | None
    live_turn: Turn | None
    pause: Pause | None
    is_open: bool
    gate: Gate
    meter: Meter
    # That the model is down, where it has been for minutes.
    outage_words: str
    turn_id: UUID
    question: str = ""
    error: str = ""
    # What is personal in the question and would leave this machine; None where nothing has to be asked.
    parts: Sequence[str] | None = None
    # Whether the question was to wait until the model is back.
    when_back: bool = False

    @property
    def asks_first(self) -> bool:
        """Whether its writer has to say what is to be done with what is personal in the question."""
        return self.parts is not None

    @property
    def is_resting(self) -> bool:
        """Whether nothing is answered now. There is still a box to write in: a cry for help is always read."""
        return not self.is_open or self.gate.closed is not None or self.pause is not None

    @property
    def longest_question(self) -> int:
        return LONGEST_QUESTION

    @property
    def meter_words(self) -> str:
        return meter_said(self.meter, self.person)

    @property
    def pause_address(self) -> str:
        """Where the turn is that the tutor rests for."""
        return turn_address(self.pause.turn) if self.pause else ""


def composer_for(
    person: Person,
    conversation: Conversation | None,
    *,
    live_turn: Turn | None,
    turn_id: UUID | None = None,
    **said: Any,
) -> Composer:
    """The form for the next question. `live_turn` is the one that the same page shows as being answered, if any.

    It is not read here: a turn that ends between two reads would leave a Stop button that nothing takes away.
    """
    return Composer(
        person=person,
        conversation=conversation,
        live_turn=live_turn,
        pause=pause_of(person),
        is_open=chat_is_open(),
        gate=gate_of(person),
        meter=meter(owner=person),
        outage_words=outage_words(model_outage(), person),
        turn_id=turn_id or uuid4(),
        **said,
    )


def conversation_page(
    person: Person, conversation: Conversation | None, turns: TurnsPage | None = None, **said: Any
) -> dict[str, Any]:
    """The page of a conversation, or of a new one, with one read of its turns: `turns`, or the newest of them.

    `said` goes to the composer.
    """
    turns = turns or (newest_turns(conversation) if conversation else TurnsPage())
    live_turn = next((turn for turn in turns.turns if turn.is_live), None)
    return {
        "person": person,
        "conversation": conversation,
        "conversations": conversations_of(person)[:CONVERSATIONS_LISTED],
        "turns_page": turns,
        "turns": turns_shown_on_page(turns.turns),
        "composer": composer_for(person, conversation, live_turn=live_turn, **said),
        "runs_at_home": runs_at_home(),
        "guard_host": guard_host(),
        "model_name": settings.TUTOR_MODEL,
    }
