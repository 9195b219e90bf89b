"""Whether the model is down, and the questions that wait until it is back (ADR 40).

A fault is written down by the worker that met it. What follows from it is decided in one place, by the task that beat
sends every few seconds: while a fault stands it asks the server whether it is there. Without one it does nothing.
A turn that waits holds nothing of a budget. Sending it on, with all that is checked then: chat.asking.releasing.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Person
from chat import streaming
from chat.errors import TooManyDeferred
from chat.models import DEFERRED_FOR, Ending, ModelOutage, State, Turn, WaitsFor
from chat.turns.outcomes import Outcome, ended_fields, settle
from chat.turns.retries import lock_with_retried, settle_retry
from chat.turns.verdicts import name_plainly
from inference import loop
from inference.provider import fault_of_server
from kit.connections import lock_key

logger = logging.getLogger(__name__)

# One failure is no outage: faults have to go on for so long, without an answer in between, and be so many.
DOWN_AFTER = timedelta(minutes=2)
LEAST_FAULTS = 3
# A server that could not be reached is back once it answers to its name for so long, though no question was asked.
CLEAR_AFTER = timedelta(seconds=30)
# Faults of any kind are forgotten when there has been none for so long.
FORGOTTEN_AFTER = timedelta(minutes=10)
PROBE_SECONDS = 5.0
# What the server itself is to blame for, whatever was asked.
SERVER_FAULTS = {
    Ending.MODEL_AWAY,
    Ending.MODEL_BUSY,
    Ending.MODEL_BROKEN,
    Ending.MODEL_QUOTA,
    Ending.MODEL_SILENT,
    Ending.MODEL_GARBLED,
}
# What a server that works may say of a question.
ANSWERS = Q(state__in=[State.ANSWERED, State.WITHHELD]) | Q(
    ending__in=[
        Ending.TOO_LONG,
        Ending.MODEL_REFUSED,
        Ending.FILTERED,
        Ending.MODEL_EMPTY,
        Ending.ALL_THOUGHT,
    ]
)
# The lock under which an outage begins: there is one at a time.
BEGINNING = UUID("6f7f6c2e-0d5c-4c0c-8f39-5a4f1f0e9c11")


def open_outage() -> ModelOutage | None:
    """The faults that have not ended yet, whether they count as an outage or not."""
    return ModelOutage.objects.filter(ended_at=None).order_by("began_at").first()


def model_outage() -> ModelOutage | None:
    """The outage that people are told about, or None: the model is there, as far as is known."""
    return ModelOutage.objects.filter(ended_at=None, declared_at__isnull=False).order_by("began_at").first()


def note_fault(ending: Ending) -> None:
    """Write down that an answer failed for a fault of the model's server."""
    now = timezone.now()
    with transaction.atomic():
        lock_key(BEGINNING)
        standing = ModelOutage.objects.filter(ended_at=None)
        if not standing.update(last_fault_at=now, ending=ending, faults=F("faults") + 1):
            ModelOutage.objects.create(began_at=now, last_fault_at=now, ending=ending)


def watch_model() -> ModelOutage | None:
    """Look whether what is known of the model still holds. Returns the faults that go on, or None when there are none.

    `is_reachable` of what it returns says whether the server answers to its name now.
    """
    outage = open_outage()
    if outage is None:
        return None
    if _has_answered_since(outage.last_fault_at):
        _end(outage)
        return None
    fault = loop.submit(_probe()).result()
    now = timezone.now()
    standing = ModelOutage.objects.filter(pk=outage.pk, ended_at=None)
    if fault:
        standing.update(last_fault_at=now, failed_probes=F("failed_probes") + 1)
        outage.refresh_from_db()
    elif _is_over(outage, now):
        _end(outage)
        return None
    if outage.declared_at is None and _is_proved(outage):
        standing.update(declared_at=now)
        outage.declared_at = now
        logger.error("The model has given no answers since %s (%s).", outage.began_at, outage.ending)
    outage.is_reachable = not fault
    return outage


async def _probe() -> str:
    """What is wrong with the server, or "" when it answers to its name."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            fault = await fault_of_server()
    except TimeoutError:
        return "silent"
    return type(fault).__name__ if fault else ""


def _has_answered_since(moment: datetime) -> bool:
    writing = Q(state=State.WORKING, answer_tokens__gt=0, claimed_at__gt=moment)
    return Turn.objects.filter(
        (ANSWERS & Q(ended_at__gt=moment, claimed_at__isnull=False)) | writing
    ).exists()


def _is_over(outage: ModelOutage, now: datetime) -> bool:
    quiet_for = now - outage.last_fault_at
    return quiet_for > (CLEAR_AFTER if outage.ending == Ending.MODEL_AWAY else FORGOTTEN_AFTER)


def _is_proved(outage: ModelOutage) -> bool:
    """Whether this is more than a single failure, or than one conversation that the server cannot stand."""
    is_long = outage.last_fault_at - outage.began_at >= DOWN_AFTER
    if not is_long or outage.faults + outage.failed_probes < LEAST_FAULTS:
        return False
    if outage.failed_probes:
        return True
    failed = Turn.objects.filter(ended_at__gte=outage.began_at - DOWN_AFTER, ending__in=SERVER_FAULTS)
    return failed.order_by().values("conversation").distinct()[:2].count() > 1


def _end(outage: ModelOutage) -> None:
    standing = ModelOutage.objects.filter(pk=outage.pk, ended_at=None)
    if outage.declared_at is None:
        standing.delete()
    elif standing.update(ended_at=timezone.now()):
        logger.warning("The model answers again.")


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
