"""The pace that a plan sets: who asks faster than that gets short answers for a while, and is told before they type.

Slowed with shorter answers and not with a wait: no one in a hurry is turned away (ADR 70). A crisis card and the other
fixed texts are no answers, so they are neither counted nor shortened.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from accounts.models import Person
from chat.models import TurnState
from chat.selectors import list_turns_since

# What a turn has in place of the scope of a budget, when its pace made it brief.
PACE_SCOPE = "pace"
PACE_PERIOD = timedelta(hours=1)
# A paragraph: the main thing, said in whole sentences.
MAX_PACED_TOKENS = 150
COUNTED_STATES = (
    TurnState.QUEUED,
    TurnState.WORKING,
    TurnState.ANSWERED,
    TurnState.STOPPED,
    TurnState.CUT,
)


def find_pace_end(
    person: Person, *, answers_per_hour: int | None, besides: UUID | None = None, now: datetime | None = None
) -> datetime | None:
    """Return until when the person's answers are short, or None if they are below the pace or their plan sets none.

    `besides` is a turn that is not counted: the one that is about to be answered.
    """
    if answers_per_hour is None:
        return None
    now = now or timezone.now()
    recent = list_turns_since(person, now - PACE_PERIOD).filter(state__in=COUNTED_STATES)
    if besides:
        recent = recent.exclude(pk=besides)
    # When the oldest of the latest answers is an hour old, one more fits into the hour.
    oldest = recent.order_by("-asked_at").values_list("asked_at", flat=True)[
        answers_per_hour - 1 : answers_per_hour
    ]
    return next((asked_at + PACE_PERIOD for asked_at in oldest), None)


def shorten_for_pace(longest: int, *, least: int) -> int:
    """Return how long an answer is, in tokens, for someone above the pace.

    It is half as long as usual, a paragraph at most, and `least` if the usual one is as long.
    """
    return max(min(longest, least), min(longest // 2, MAX_PACED_TOKENS))
