"""Whether the model is down, and the questions that wait until it is back (ADR 40).

A fault is written down by the worker that met it. What follows from it is decided in one place, by the task that beat
sends every few seconds: while a fault stands it asks the server whether it is there. Without one it does nothing.
A turn that waits holds nothing of a budget. Sending it on, with all that is checked then: chat.asking.deferred.
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
from chat.models import MAX_DEFERRAL, EndReason, ModelOutage, Turn, TurnState, WaitsFor
from chat.turns.outcomes import Outcome, build_ended_fields, resolve_hold
from chat.turns.retries import choose_shown_turn, lock_with_retried
from chat.turns.verdicts import reset_title
from inference import loop
from inference.provider import find_server_error
from kit.connections import acquire_key_lock

logger = logging.getLogger(__name__)

# One failure is no outage: faults have to go on for so long, without an answer in between, and be so many.
DOWN_AFTER = timedelta(minutes=2)
MIN_FAULTS = 3
# A server that could not be reached is back once it answers to its name for so long, though no question was asked.
CLEAR_AFTER = timedelta(seconds=30)
# Faults of any kind are forgotten when there has been none for so long.
FAULTS_EXPIRE_AFTER = timedelta(minutes=10)
PROBE_SECONDS = 5.0
# What the server itself is to blame for, whatever was asked.
SERVER_FAULTS = {
    EndReason.MODEL_UNREACHABLE,
    EndReason.MODEL_BUSY,
    EndReason.MODEL_ERROR,
    EndReason.MODEL_QUOTA,
    EndReason.MODEL_SILENT,
    EndReason.MODEL_GARBLED,
}
# What a server that works may say of a question.
MODEL_WORKS = Q(state__in=[TurnState.ANSWERED, TurnState.CUT]) | Q(
    end_reason__in=[
        EndReason.TOO_LONG,
        EndReason.MODEL_REFUSED,
        EndReason.FILTERED,
        EndReason.MODEL_EMPTY,
        EndReason.ONLY_THINKING,
    ]
)
# The lock under which an outage begins: there is one at a time.
OUTAGE_LOCK = UUID("6f7f6c2e-0d5c-4c0c-8f39-5a4f1f0e9c11")


def find_open_outage() -> ModelOutage | None:
    """The faults that have not ended yet, whether they count as an outage or not."""
    return ModelOutage.objects.filter(ended_at=None).order_by("began_at").first()


def find_outage() -> ModelOutage | None:
    """The outage that people are told about, or None: the model is there, as far as is known."""
    return ModelOutage.objects.filter(ended_at=None, declared_at__isnull=False).order_by("began_at").first()


def record_fault(end_reason: EndReason) -> None:
    """Write down that an answer failed for a fault of the model's server."""
    now = timezone.now()
    with transaction.atomic():
        acquire_key_lock(OUTAGE_LOCK)
        standing = ModelOutage.objects.filter(ended_at=None)
        if not standing.update(last_fault_at=now, end_reason=end_reason, faults=F("faults") + 1):
            ModelOutage.objects.create(began_at=now, last_fault_at=now, end_reason=end_reason)


def check_model() -> ModelOutage | None:
    """Look whether what is known of the model still holds. Returns the faults that go on, or None when there are none.

    `is_reachable` of what it returns says whether the server answers to its name now.
    """
    outage = find_open_outage()
    if outage is None:
        return None
    if _has_answered_since(outage.last_fault_at):
        _close_outage(outage)
        return None
    fault = loop.submit(_probe()).result()
    now = timezone.now()
    standing = ModelOutage.objects.filter(pk=outage.pk, ended_at=None)
    if fault:
        standing.update(last_fault_at=now, failed_probes=F("failed_probes") + 1)
        outage.refresh_from_db()
    elif _is_over(outage, now):
        _close_outage(outage)
        return None
    if outage.declared_at is None and _is_confirmed(outage):
        standing.update(declared_at=now)
        outage.declared_at = now
        logger.error("The model has given no answers since %s (%s).", outage.began_at, outage.end_reason)
    outage.is_reachable = not fault
    return outage


async def _probe() -> str:
    """What is wrong with the server, or "" when it answers to its name."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            fault = await find_server_error()
    except TimeoutError:
        return "silent"
    return type(fault).__name__ if fault else ""


def _has_answered_since(moment: datetime) -> bool:
    writing = Q(state=TurnState.WORKING, answer_tokens__gt=0, claimed_at__gt=moment)
    return Turn.objects.filter(
        (MODEL_WORKS & Q(ended_at__gt=moment, claimed_at__isnull=False)) | writing
    ).exists()


def _is_over(outage: ModelOutage, now: datetime) -> bool:
    quiet_for = now - outage.last_fault_at
    return quiet_for > (
        CLEAR_AFTER if outage.end_reason == EndReason.MODEL_UNREACHABLE else FAULTS_EXPIRE_AFTER
    )


def _is_confirmed(outage: ModelOutage) -> bool:
    """Whether this is more than a single failure, or than one conversation that the server cannot stand."""
    is_long = outage.last_fault_at - outage.began_at >= DOWN_AFTER
    if not is_long or outage.faults + outage.failed_probes < MIN_FAULTS:
        return False
    if outage.failed_probes:
        return True
    failed = Turn.objects.filter(ended_at__gte=outage.began_at - DOWN_AFTER, end_reason__in=SERVER_FAULTS)
    return failed.order_by().values("conversation").distinct()[:2].count() > 1


def _close_outage(outage: ModelOutage) -> None:
    standing = ModelOutage.objects.filter(pk=outage.pk, ended_at=None)
    if outage.declared_at is None:
        standing.delete()
    elif standing.update(ended_at=timezone.now()):
        logger.warning("The model answers again.")


# How many questions of one person may wait, each in a conversation of its own.
MAX_DEFERRED = 3
# After a try without a word a turn rests for so long, and twice as long after each further one.
FIRST_BACKOFF = timedelta(seconds=15)
MAX_BACKOFF = timedelta(minutes=5)
# Or for as long as a busy server says, within reason.
MAX_RETRY_WAIT = timedelta(hours=1)
# While the model answers others, a turn that comes back this often ends with its reason.
MAX_FAILED_TRIES = 3
# What its asker, who may be away, cannot try again themselves.
DEFERRED_AGAIN = SERVER_FAULTS | {EndReason.WORKER_LOST, EndReason.NEVER_STARTED}


def count_deferred(person: Person) -> int:
    return Turn.objects.filter(conversation__owner=person, state=TurnState.DEFERRED).count()


def defer_turn(turn: Turn, person: Person) -> None:
    """Let a turn that is about to be stored wait for the model. Raises TooManyDeferred."""
    # Two conversations may be asked in at once.
    acquire_key_lock(uuid5(NAMESPACE_OID, f"deferred {person.pk}"))
    if count_deferred(person) >= MAX_DEFERRED:
        raise TooManyDeferred
    turn.state, turn.waits_for, turn.deferred_at = TurnState.DEFERRED, WaitsFor.MODEL, timezone.now()
    # What its answer may cost is worked out again when its time comes.
    turn.prompt_tokens = turn.max_answer_tokens = 0
    turn.is_brief, turn.brief_scope, turn.refills_at = False, "", None


def should_defer_again(turn: Turn, outcome: Outcome) -> bool:
    """Whether a turn that failed goes on waiting instead: nothing was written, and its asker agreed to wait."""
    if (
        turn.deferred_until is None
        or outcome.state != TurnState.FAILED
        or outcome.end_reason not in DEFERRED_AGAIN
    ):
        return False
    if outcome.prompt_tokens or outcome.answer_tokens or timezone.now() >= turn.deferred_until:
        return False
    return turn.failed_tries < MAX_FAILED_TRIES or find_outage() is not None


@transaction.atomic
def defer_again(turn: Turn, outcome: Outcome) -> bool:
    """Let a turn wait again, and return its hold. False when it has been stopped, deleted or taken away meanwhile."""
    mine = Turn.objects.filter(
        pk=turn.pk, state__in=[TurnState.QUEUED, TurnState.WORKING], claim=turn.claim, stop_requested_at=None
    )
    now = timezone.now()
    rests_until = now + min(FIRST_BACKOFF * 2 ** min(turn.failed_tries, 10), MAX_BACKOFF)
    if outcome.retry_at:
        rests_until = max(rests_until, min(outcome.retry_at, now + MAX_RETRY_WAIT))
    is_back = mine.update(
        state=TurnState.DEFERRED,
        waits_for=WaitsFor.MODEL,
        claim=None,
        lease_until=None,
        claim_count=0,
        failed_tries=F("failed_tries") + 1,
        try_after=rests_until,
        prompt_tokens=0,
    )
    if is_back:
        resolve_hold(turn.hold_key, outcome)
    return bool(is_back)


@transaction.atomic
def end_deferred(turn: Turn, outcome: Outcome) -> bool:
    """End a turn that waits. It has no hold, so nothing is charged. False when it does not wait any more."""
    lock_with_retried(turn.pk)
    if not Turn.objects.filter(pk=turn.pk, state=TurnState.DEFERRED).update(**build_ended_fields(outcome)):
        return False
    if outcome.verdict:
        reset_title(turn)
    choose_shown_turn(turn.pk)
    transaction.on_commit(outcome.count)
    transaction.on_commit(lambda: streaming.end_stream(turn.pk))
    return True


def build_outcome_without_answer(end_reason: EndReason, state: TurnState = TurnState.FAILED) -> Outcome:
    return Outcome(state=state, end_reason=end_reason, answer="", prompt_tokens=0, answer_tokens=0)


def end_expired_deferred(*, now: datetime | None = None) -> int:
    """End what has waited for its whole term, one transaction each. Returns how many there were."""
    before = (now or timezone.now()) - MAX_DEFERRAL
    overdue = Turn.objects.filter(state=TurnState.DEFERRED, deferred_at__lte=before).select_related(
        "conversation"
    )
    return sum(
        end_deferred(turn, build_outcome_without_answer(EndReason.WAITED_TOO_LONG)) for turn in overdue
    )
