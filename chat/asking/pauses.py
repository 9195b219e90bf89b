"""How a pause ends: by the person's own word, and by the answer to what it asks."""

from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from chat.models import ASKED, State, Turn
from chat.selectors import pause_of
from chat.turns import measures
from chat.turns.acts import verdict_of
from guard import Level
from safeguarding.cards import is_about_safety


@transaction.atomic
def pause_end(*, person: Person) -> bool:
    """Go on after a help card, by the person's own word. False while the pause's set time has not passed."""
    pause = pause_of(person)
    if pause is None:
        return True
    if not pause.may_end:
        return False
    carded = Turn.objects.filter(conversation__owner=person, state=State.CARDED, went_on_at=None)
    carded.update(went_on_at=timezone.now())
    return True


@transaction.atomic
def question_answer(*, turn: Turn, is_yes: bool) -> None:
    """The person's own answer to what a paused turn asks. A yes brings the card of somebody who said it themselves.

    Any other answer ends the pause. What was answered before stays.
    """
    asked = Turn.objects.filter(pk=turn.pk, state=State.PAUSED, went_on_at=None)
    level = Level.UNSAFE_HOME if is_about_safety(verdict_of(turn).categories) else Level.STATED
    if not is_yes:
        asked.update(went_on_at=timezone.now())
    elif asked.update(state=State.CARDED, level=str(level), layer=ASKED):
        transaction.on_commit(lambda: measures.turn_ended(state=State.CARDED))
