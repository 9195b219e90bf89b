"""Who is answered next and about when, and how a worker learns that turns wait.

A person has one turn written at a time. Of the people who wait, the one who was served least recently comes first, and
of those who were not served lately, the one who asked first: a person with ten questions waits ten times in line.

Losing a nudge to a worker loses nothing: the sweeper finds the row and sends another. A nudge makes a worker take
whatever is next in line, so in a rush one of them serves for many questions: the first is sent at once, and those that
come within a moment of it are told of together.
"""

import heapq
import math
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import QUEUED_AT, Turn, TurnState
from kit import jobs

# Having been served before that does not count any more.
SERVED_WINDOW = timedelta(minutes=10)
# How fast the queue moves is taken from what this long has brought.
RATE_WINDOW = timedelta(minutes=2)
ROUND_TO_SECONDS = 5
A_MINUTE = 60


def _list_first_questions() -> QuerySet[Turn]:
    """The first question of everybody who waits and for whom nothing is being written."""
    theirs = Turn.objects.filter(conversation__owner=OuterRef("conversation__owner"))
    return (
        Turn.objects.filter(state=TurnState.QUEUED)
        .annotate(queued=QUEUED_AT)
        .exclude(Exists(theirs.filter(state=TurnState.WORKING)))
        .order_by("conversation__owner", "queued")
        .distinct("conversation__owner")
    )


def list_next_turns(places: int) -> list[UUID]:
    """The turns that are to be written next, in their order, `places` of them at most."""
    since = timezone.now() - SERVED_WINDOW
    theirs = Turn.objects.filter(
        conversation__owner=OuterRef("conversation__owner"), asked_at__gt=since, claimed_at__isnull=False
    )
    served = theirs.order_by("-claimed_at").values("claimed_at")[:1]
    rows = _list_first_questions().annotate(served=Subquery(served)).values_list("pk", "served", "queued")
    first = heapq.nsmallest(places, rows, key=lambda row: (row[1] is not None, row[1] or row[2], row[2]))
    return [pk for pk, _served, _asked in first]


def is_stalled(*, now: datetime, since: datetime) -> bool:
    """Whether no worker has begun a turn after `since`."""
    return not Turn.objects.filter(claimed_at__gt=since, claimed_at__lte=now).exists()


@dataclass(frozen=True)
class QueueWait:
    """`ahead` is how many people come first; `seconds` is about how long it takes, or None when nothing tells."""

    ahead: int
    seconds: int | None


def estimate_wait(turn: Turn, *, now: datetime | None = None) -> QueueWait:
    """How long a waiting turn still has to wait, by how fast the queue has moved lately."""
    now = now or timezone.now()
    queued = Turn.objects.filter(state=TurnState.QUEUED).annotate(queued=QUEUED_AT)
    waiting = queued.filter(queued__lt=turn.queued_at)
    ahead = (
        waiting.exclude(conversation__owner=turn.conversation.owner_id)
        .values("conversation__owner")
        .distinct()
        .count()
    )
    ended = Turn.objects.filter(ended_at__gt=now - RATE_WINDOW, claimed_at__isnull=False).count()
    if not ended:
        return QueueWait(ahead, None)
    seconds = (ahead + 1) * RATE_WINDOW.total_seconds() / ended
    return QueueWait(ahead, max(1, math.ceil(seconds / ROUND_TO_SECONDS)) * ROUND_TO_SECONDS)


def format_wait(turn: Turn) -> str:
    """What somebody who waits is told."""
    wait = estimate_wait(turn)
    if wait.seconds is None:
        return _("Waiting for a free place. Your question is kept.")
    if wait.seconds < A_MINUTE:
        when = _("about %(n)d seconds") % {"n": wait.seconds}
    else:
        minutes = math.ceil(wait.seconds / A_MINUTE)
        when = ngettext("about %(n)d minute", "about %(n)d minutes", minutes) % {"n": minutes}
    if wait.ahead == 0:
        return _("Busy. You are next, in %(when)s.") % {"when": when}
    words = ngettext(
        "Busy. %(n)d person is before you; your turn comes in %(when)s.",
        "Busy. %(n)d people are before you; your turn comes in %(when)s.",
        wait.ahead,
    )
    return words % {"n": wait.ahead, "when": when}


GATHER_SECONDS = 0.03


class NudgeBatcher:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent_at = -GATHER_SECONDS
        self._later: threading.Timer | None = None

    def add(self, turn_id: UUID) -> None:
        """Send a nudge now, or have it sent within GATHER_SECONDS."""
        with self._lock:
            if self._later is not None:
                return
            now = time.monotonic()
            wait = self._sent_at + GATHER_SECONDS - now
            if wait > 0:
                self._later = threading.Timer(wait, self._send_later, [turn_id])
                self._later.daemon = True
                self._later.start()
                return
            self._sent_at = now
        _send_nudge(turn_id)

    def _send_later(self, turn_id: UUID) -> None:
        with self._lock:
            # From here on whoever comes is told of by the next nudge: this one may be taken before they are there.
            self._later, self._sent_at = None, time.monotonic()
        _send_nudge(turn_id)


def _send_nudge(turn_id: UUID) -> None:
    jobs.nudge("chat.tasks.claim_turns", str(turn_id))


def nudge_deferred() -> None:
    """Have a worker look at the questions that wait for the model, now rather than when beat says so."""
    jobs.nudge("chat.tasks.watch_deferred")


_batcher = NudgeBatcher()


def nudge_worker(turn_id: UUID) -> None:
    _batcher.add(turn_id)
