"""The queue: which turns come next, how long a turn waits, and how a worker learns of new turns.

A person has one turn written at a time. The person who was served least recently comes first; of those who were not
served lately, the one who asked first. So a person with ten questions waits ten times.

A lost nudge loses nothing: a sweep finds the row and sends another. A nudge makes a worker claim any turns that come
next, so one is enough for many questions: the first is sent immediately, and a later one covers all questions within a
moment.
"""

import math
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import QUEUED_AT, Turn, TurnState
from kit import jobs
from routing.models import TutorModel
from routing.ranking import find_twin
from routing.registry import list_models

# A person who was served longer ago than this counts as not served.
SERVED_WINDOW = timedelta(minutes=10)
# The queue's speed is measured over this time.
RATE_WINDOW = timedelta(minutes=2)
ROUND_TO_SECONDS = 5
# How many more turns than asked for are considered, because some wait for a model that is full.
LOOK_AHEAD = 50
MINUTE_SECONDS = 60


@dataclass(frozen=True)
class NextTurn:
    """A turn that comes next, and the model that it waits for."""

    id: UUID
    model_id: int | None


def choose_next_turns(limit: int) -> dict[UUID, TutorModel | None]:
    """Return the turns to claim next, in fair order and at most `limit` of them, each with a model to move it to.

    A turn whose model writes as many answers as it may is moved to one that is as good and has a free slot. If there
    is none, the turn waits. None means that the turn keeps its model.
    """
    models = list_models()
    max_answers = {model.pk: model.max_answers for model in models if model.max_answers}
    writing = Turn.objects.filter(state=TurnState.WORKING, tutor_model__in=max_answers)
    counts = dict(writing.order_by().values_list("tutor_model").annotate(Count("pk")))
    free_slots = {pk: allowed - counts.get(pk, 0) for pk, allowed in max_answers.items()}
    chosen: dict[UUID, TutorModel | None] = {}
    # Some of the first may have to wait for their model, so look at more of the queue.
    for turn in list_next_turns(limit + LOOK_AHEAD):
        if len(chosen) == limit:
            break
        twin = None
        if free_slots.get(turn.model_id or 0, 1) <= 0:
            own = next((model for model in models if model.pk == turn.model_id), None)
            twin = find_twin(own, models, free_slots) if own else None
            if twin is None:
                continue
        taken = twin.pk if twin else turn.model_id
        if taken in free_slots:
            free_slots[taken] -= 1
        chosen[turn.id] = twin
    return chosen


def list_next_turns(limit: int) -> list[NextTurn]:
    """Return the next turns in fair order, at most `limit` of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT turn_id, model_id FROM chat_list_next_turns(%s, %s)",
            [limit, timezone.now() - SERVED_WINDOW],
        )
        return [NextTurn(*row) for row in cursor.fetchall()]


def is_stalled(*, now: datetime, since: datetime) -> bool:
    """Return whether no worker has claimed a turn between `since` and `now`."""
    return not Turn.objects.filter(claimed_at__gt=since, claimed_at__lte=now).exists()


@dataclass(frozen=True)
class QueueWait:
    """`ahead` is how many people come first; `seconds` is an estimate of the wait, or None if unknown."""

    ahead: int
    seconds: int | None


def estimate_wait(turn: Turn, *, now: datetime | None = None) -> QueueWait:
    """Estimate how long a queued turn still waits, by the queue's recent speed."""
    now = now or timezone.now()
    queued = Turn.objects.filter(state=TurnState.QUEUED).annotate(queued=QUEUED_AT)
    earlier = queued.filter(queued__lt=turn.queued_at)
    ahead = (
        earlier.exclude(conversation__owner=turn.conversation.owner_id)
        .values("conversation__owner")
        .distinct()
        .count()
    )
    ended = Turn.objects.filter(ended_at__gt=now - RATE_WINDOW, claimed_at__isnull=False).count()
    if not ended:
        return QueueWait(ahead, None)
    seconds = (ahead + 1) * RATE_WINDOW.total_seconds() / ended
    return QueueWait(ahead, max(1, math.ceil(seconds / ROUND_TO_SECONDS)) * ROUND_TO_SECONDS)


def format_queue_wait(turn: Turn) -> str:
    """Return the text about the wait for a queued turn, for its asker."""
    wait = estimate_wait(turn)
    if wait.seconds is None:
        return _("Waiting for the tutor to be free. Your question is saved.")
    if wait.seconds < MINUTE_SECONDS:
        when = _("about %(n)d seconds") % {"n": wait.seconds}
    else:
        minutes = math.ceil(wait.seconds / MINUTE_SECONDS)
        when = ngettext("about %(n)d minute", "about %(n)d minutes", minutes) % {"n": minutes}
    if wait.ahead == 0:
        return _("The tutor is busy. You’re next, in %(when)s.") % {"when": when}
    words = ngettext(
        "The tutor is busy. %(n)d person is ahead of you. It’s your turn in %(when)s.",
        "The tutor is busy. %(n)d people are ahead of you. It’s your turn in %(when)s.",
        wait.ahead,
    )
    return words % {"n": wait.ahead, "when": when}


GATHER_SECONDS = 0.03


class NudgeBatcher:
    """Sends the first nudge at once, and one more for all that follow within GATHER_SECONDS. Thread-safe."""

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
            # Later turns need another nudge: this one may be handled before they are stored.
            self._later, self._sent_at = None, time.monotonic()
        _send_nudge(turn_id)


def _send_nudge(turn_id: UUID) -> None:
    jobs.nudge("chat.tasks.claim_turns", str(turn_id))


def nudge_deferred() -> None:
    """Have a worker check the deferred turns now, instead of at the next beat."""
    jobs.nudge("chat.tasks.watch_deferred")


_batcher = NudgeBatcher()


def nudge_worker(turn_id: UUID) -> None:
    """Tell the workers that a turn waits. Nudges of the same moment are sent as one message."""
    _batcher.add(turn_id)
