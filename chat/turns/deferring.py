"""Questions that are kept until the model is back: how they begin to wait, wait again, and end (ADR 40).

A turn that waits holds nothing of a budget. Sending it on, with all that is checked then: chat.asking.releasing.
"""

from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, uuid5

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Person
from chat import streaming
from chat.connections import lock_key
from chat.deferral_models import DEFERRED_FOR, WaitsFor
from chat.errors import TooManyDeferred
from chat.models import Ending, State, Turn
from chat.turns.outages import SERVER_FAULTS, model_outage
from chat.turns.outcomes import Outcome, ended_fields, settle
from chat.turns.retries import lock_with_retried, settle_retry
from chat.turns.titles import name_plainly

# How many questions of one person may wait, each in a conversation of its own.
MOST_DEFERRED = 3
# After a try without a word a turn rests for so long, and twice as long after each further one.
FIRST_REST = timedelta(seconds=15)
LONGEST_REST = timedelta(minutes=5)
# Or for as long as a busy server says, within reason.
LONGEST_WAIT = timedelta(hours=1)
# While the model answers others, a turn that comes back this often ends with its reason.
MOST_RETURNS = 3
# What its asker, who may be away, cannot try again themselves.
RETURNED = SERVER_FAULTS | {Ending.WORKER_LOST, Ending.NEVER_STARTED}


def deferred_count(person: Person) -> int:
    return Turn.objects.filter(conversation__owner=person, state=State.DEFERRED).count()


def defer(turn: Turn, person: Person) -> None:
    """Let a turn that is about to be stored wait for the model. Raises TooManyDeferred."""
    # Two conversations may be asked in at once.
    lock_key(uuid5(NAMESPACE_OID, f"deferred {person.pk}"))
    if deferred_count(person) >= MOST_DEFERRED:
        raise TooManyDeferred
    turn.state, turn.waits_for, turn.deferred_at = State.DEFERRED, WaitsFor.MODEL, timezone.now()
    # What its answer may cost is worked out again when its time comes.
    turn.prompt_tokens = turn.answer_cap = 0
    turn.is_brief, turn.brief_floor, turn.refills_at = False, "", None


def comes_back(turn: Turn, outcome: Outcome) -> bool:
    """Whether a turn that failed goes on waiting instead: nothing was written, and its asker agreed to wait."""
    if turn.deferred_until is None or outcome.state != State.FAILED or outcome.ending not in RETURNED:
        return False
    if outcome.prompt_tokens or outcome.answer_tokens or timezone.now() >= turn.deferred_until:
        return False
    return turn.returns < MOST_RETURNS or model_outage() is not None


@transaction.atomic
def defer_again(turn: Turn, outcome: Outcome) -> bool:
    """Let a turn wait again, and return its hold. False when it has been stopped, deleted or taken away meanwhile."""
    mine = Turn.objects.filter(
        pk=turn.pk, state__in=[State.QUEUED, State.WORKING], claim=turn.claim, stop_asked_at=None
    )
    now = timezone.now()
    rests_until = now + min(FIRST_REST * 2 ** min(turn.returns, 10), LONGEST_REST)
    if outcome.retry_at:
        rests_until = max(rests_until, min(outcome.retry_at, now + LONGEST_WAIT))
    is_back = mine.update(
        state=State.DEFERRED,
        waits_for=WaitsFor.MODEL,
        claim=None,
        lease_until=None,
        deliveries=0,
        returns=F("returns") + 1,
        try_after=rests_until,
        prompt_tokens=0,
    )
    if is_back:
        settle(turn.hold_key, outcome)
    return bool(is_back)


@transaction.atomic
def end_deferred(turn: Turn, outcome: Outcome) -> bool:
    """End a turn that waits. It has no hold, so nothing is charged. False when it does not wait any more."""
    lock_with_retried(turn.pk)
    if not Turn.objects.filter(pk=turn.pk, state=State.DEFERRED).update(**ended_fields(outcome)):
        return False
    if outcome.verdict:
        name_plainly(turn)
    settle_retry(turn.pk)
    transaction.on_commit(outcome.count)
    transaction.on_commit(lambda: streaming.end(turn.pk))
    return True


def outcome_without_answer(ending: Ending, state: State = State.FAILED) -> Outcome:
    return Outcome(state=state, ending=ending, answer="", prompt_tokens=0, answer_tokens=0)


def expire_deferred(*, now: datetime | None = None) -> int:
    """End what has waited for its whole term, one transaction each. Returns how many there were."""
    before = (now or timezone.now()) - DEFERRED_FOR
    overdue = Turn.objects.filter(state=State.DEFERRED, deferred_at__lte=before).select_related(
        "conversation"
    )
    return sum(end_deferred(turn, outcome_without_answer(Ending.WAITED_LONG)) for turn in overdue)
