"""How long somebody has been at it without a break, and when to say so.

Every hour of going on is said to be an AI's company, with a word for a break: Washington's HB 2225 asks for that where
minors may be reading, California's SB 243 every three hours.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from accounts.models import Person
from chat.models import Turn

REMINDED_EVERY = timedelta(minutes=60)
BREAK = timedelta(minutes=15)
"""So long without a question is a break, and a new sitting begins after it."""


class Sitting(NamedTuple):
    """When the hour began that is running, and whether it is over with this question."""

    since: datetime
    reminds: bool


def sitting_of(person: Person, now: datetime, *, waits: bool = False) -> Sitting:
    """The sitting that a question asked now belongs to, in whichever conversation the last one was.

    With `waits` nothing is said yet, however long it was: a card or a pause has more important words.
    """
    last = (
        Turn.objects.filter(conversation__owner=person, asked_at__gt=now - BREAK)
        .order_by("-asked_at")
        .values_list("sitting_since", flat=True)
        .first()
    )
    if last is None:
        return Sitting(now, reminds=False)
    is_over = not waits and now - last >= REMINDED_EVERY
    return Sitting(now if is_over else last, reminds=is_over)
