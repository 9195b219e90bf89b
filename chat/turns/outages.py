"""Outages of models, and the turns that are deferred until a model is back (ADR 40).

A worker records each failure of a model. A task that Celery beat sends every few seconds decides what follows: while an
outage is open it probes the model's server; otherwise it does nothing. While an outage is declared, the model rests
(routing.breaker), so that questions go to other models. A deferred turn has no hold. chat.asking.deferred releases it.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Person
from chat import streaming
from chat.errors import TooManyDeferred
from chat.models import MAX_DEFERRAL, EndReason, ModelOutage, Turn, TurnState, WaitsFor
from chat.turns.crises import record_crisis
from chat.turns.outcomes import (
    Outcome,
    build_ended_fields,
    choose_shown_turn,
    lock_with_retried,
    resolve_hold,
)
from chat.turns.verdicts import reset_title
from inference import loop
from inference.provider import find_server_error
from kit.connections import acquire_key_lock
from routing import breaker
from routing.models import TutorModel
from routing.ranking import SkipReason
from routing.registry import find_model

logger = logging.getLogger(__name__)

# An outage needs this many failures over this time, without an answer in between.
DOWN_AFTER = timedelta(minutes=2)
MIN_FAILURES = 3
# A server that could not be reached counts as back after it has answered probes for this long.
CLEAR_AFTER = timedelta(seconds=30)
# Failures of any kind are forgotten after this time without a new one.
FAILURES_EXPIRE_AFTER = timedelta(minutes=10)
PROBE_SECONDS = 5.0
# Failures of the server itself, which do not depend on the question.
SERVER_FAILURES = {
    EndReason.MODEL_UNREACHABLE,
    EndReason.MODEL_BUSY,
    EndReason.MODEL_ERROR,
    EndReason.MODEL_QUOTA,
    EndReason.MODEL_SILENT,
    EndReason.MODEL_GARBLED,
}
# Failures after which another model is asked. An empty answer says nothing about the server, but the next one is likely
# to be empty too.
MODEL_FAILURES = SERVER_FAILURES | {EndReason.MODEL_EMPTY, EndReason.ONLY_THINKING}
# Outcomes that only a working server can cause.
MODEL_WORKS = Q(state__in=[TurnState.ANSWERED, TurnState.CUT]) | Q(
    end_reason__in=[
        EndReason.TOO_LONG,
        EndReason.MODEL_REFUSED,
        EndReason.FILTERED,
        EndReason.MODEL_EMPTY,
        EndReason.ONLY_THINKING,
    ]
)
# The advisory lock for creating an outage: a model has only one open at a time.
OUTAGE_LOCK = UUID("6f7f6c2e-0d5c-4c0c-8f39-5a4f1f0e9c11")
# How long a model with a declared outage rests, renewed with each check.
OUTAGE_REST_SECONDS = 30.0


def list_outages() -> Sequence[ModelOutage]:
    """Return the declared outages that have not ended, earliest first."""
    declared = ModelOutage.objects.filter(ended_at=None, declared_at__isnull=False)
    return list(declared.order_by("began_at"))


def find_outage(models: Sequence[TutorModel]) -> ModelOutage | None:
    """Return since when none of these models has answered: the latest of their outages. None if one is up.

    People are told of declared outages only.
    """
    outages = {outage.model_id: outage for outage in list_outages()}
    if not models or any(model.pk not in outages for model in models):
        return None
    return max((outages[model.pk] for model in models), key=lambda outage: outage.began_at)


def record_failure(model: TutorModel, end_reason: EndReason) -> None:
    """Record that an answer failed because of the model's server. Opens an outage if none is open."""
    now = timezone.now()
    with transaction.atomic():
        acquire_key_lock(uuid5(OUTAGE_LOCK, str(model.pk)))
        still_open = ModelOutage.objects.filter(model=model, ended_at=None)
        if not still_open.update(
            last_failure_at=now, end_reason=end_reason, failed_answers=F("failed_answers") + 1
        ):
            ModelOutage.objects.create(model=model, began_at=now, last_failure_at=now, end_reason=end_reason)


def record_model_failure(
    model: TutorModel, end_reason: EndReason, *, retry_at: datetime | None = None
) -> None:
    """Count a failure toward the model's breaker and, if its server is at fault, toward an outage.

    It runs in a transaction of its own, so that turns which fail together do not wait for each other.
    """
    wait = (retry_at - timezone.now()).total_seconds() if retry_at else None
    breaker.record_failure(model.pk, retry_after=wait)
    if end_reason in SERVER_FAILURES:
        record_failure(model, end_reason)


def check_models() -> list[ModelOutage]:
    """Probe the servers of models with an open outage, and declare or close the outages.

    Returns the outages that are still open. `is_reachable` of each says whether the server answered the probe.
    """
    still_open = ModelOutage.objects.filter(ended_at=None).order_by("began_at")
    return [outage for outage in still_open if _check_model(outage) is not None]


def _check_model(outage: ModelOutage) -> ModelOutage | None:
    if _has_answered_since(outage):
        _close_outage(outage)
        return None
    # A model that is no longer in use gives no answers, but no one waits for it.
    if (model := find_model(outage.model_id)) is None:
        _close_outage(outage)
        return None
    error = loop.submit(_probe(model)).result()
    now = timezone.now()
    still_open = ModelOutage.objects.filter(pk=outage.pk, ended_at=None)
    if error:
        still_open.update(last_failure_at=now, failed_probes=F("failed_probes") + 1)
        outage.refresh_from_db()
    elif _is_over(outage, now):
        _close_outage(outage)
        return None
    if outage.declared_at is None and _is_confirmed(outage):
        still_open.update(declared_at=now)
        outage.declared_at = now
        logger.error("%s has been down since %s (%s).", model, outage.began_at, outage.end_reason)
    if outage.declared_at:
        breaker.keep_resting(model.pk, seconds=OUTAGE_REST_SECONDS)
    outage.is_reachable = not error
    return outage


async def _probe(model: TutorModel) -> str:
    """Return what is wrong with the server, or "" if it answers."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            error = await find_server_error(model.endpoint)
    except TimeoutError:
        return "silent"
    return type(error).__name__ if error else ""


def _has_answered_since(outage: ModelOutage) -> bool:
    moment = outage.last_failure_at
    writing = Q(state=TurnState.WORKING, answer_tokens__gt=0, claimed_at__gt=moment)
    return Turn.objects.filter(
        (MODEL_WORKS & Q(ended_at__gt=moment, claimed_at__isnull=False)) | writing,
        tutor_model=outage.model_id,
    ).exists()


def _is_over(outage: ModelOutage, now: datetime) -> bool:
    quiet_for = now - outage.last_failure_at
    return quiet_for > (
        CLEAR_AFTER if outage.end_reason == EndReason.MODEL_UNREACHABLE else FAILURES_EXPIRE_AFTER
    )


def _is_confirmed(outage: ModelOutage) -> bool:
    """Return whether the failures are more than a single failure, or than one conversation that the server rejects."""
    is_long = outage.last_failure_at - outage.began_at >= DOWN_AFTER
    if not is_long or outage.failed_answers + outage.failed_probes < MIN_FAILURES:
        return False
    if outage.failed_probes:
        return True
    # Turns that failed with it, and those that another model then answered.
    by_other = Q(route__contains=[{"id": outage.model_id, "reason": SkipReason.FAILED}])
    by_it = Q(tutor_model=outage.model_id, end_reason__in=SERVER_FAILURES)
    failed = Turn.objects.filter(by_other | by_it, ended_at__gte=outage.began_at - DOWN_AFTER)
    return failed.order_by().values("conversation").distinct()[:2].count() > 1


def _close_outage(outage: ModelOutage) -> None:
    still_open = ModelOutage.objects.filter(pk=outage.pk, ended_at=None)
    breaker.record_success(outage.model_id)
    if outage.declared_at is None:
        still_open.delete()
    elif still_open.update(ended_at=timezone.now()):
        logger.warning("%s is back.", outage.model)


# How many questions of a person may be deferred, each in its own conversation.
MAX_DEFERRED = 3
# How long a turn waits after its first failed try; doubled after each further one.
FIRST_BACKOFF = timedelta(seconds=15)
MAX_BACKOFF = timedelta(minutes=5)
# The longest wait that a busy server may ask for.
MAX_RETRY_WAIT = timedelta(hours=1)
# Unless there is an outage, a turn ends with its end reason after this many failed tries.
MAX_FAILED_TRIES = 3
# End reasons after which a deferred turn waits again, as its asker may be away and cannot retry it.
DEFERRED_AGAIN = SERVER_FAILURES | {EndReason.WORKER_LOST, EndReason.NEVER_STARTED}


def count_deferred(person: Person) -> int:
    """Count a person's deferred turns."""
    return Turn.objects.filter(conversation__owner=person, state=TurnState.DEFERRED).count()


def defer_turn(turn: Turn, person: Person) -> None:
    """Defer a turn that is about to be stored. Raises TooManyDeferred."""
    # The person may ask in two conversations at the same time.
    acquire_key_lock(uuid5(NAMESPACE_OID, f"deferred {person.pk}"))
    if count_deferred(person) >= MAX_DEFERRED:
        raise TooManyDeferred
    turn.state, turn.waits_for, turn.deferred_at = TurnState.DEFERRED, WaitsFor.MODEL, timezone.now()
    # The cost of its answer is worked out again when it is released.
    turn.prompt_tokens = turn.max_answer_tokens = 0
    turn.is_brief, turn.brief_scope, turn.refills_at = False, "", None


def should_defer_again(turn: Turn, outcome: Outcome) -> bool:
    """Return whether a failed turn should be deferred again: nothing was written, and its asker agreed to wait."""
    if (
        turn.deferred_until is None
        or outcome.state != TurnState.FAILED
        or outcome.end_reason not in DEFERRED_AGAIN
    ):
        return False
    if outcome.prompt_tokens or outcome.answer_tokens or timezone.now() >= turn.deferred_until:
        return False
    if turn.failed_tries < MAX_FAILED_TRIES:
        return True
    return any(outage.model_id == turn.tutor_model_id for outage in list_outages())


@transaction.atomic
def defer_again(turn: Turn, outcome: Outcome) -> bool:
    """Defer a turn again and resolve its hold.

    Returns False if the turn was stopped or deleted, or the claim was lost, meanwhile.
    """
    claimed = Turn.objects.filter(
        pk=turn.pk, state__in=[TurnState.QUEUED, TurnState.WORKING], claim=turn.claim, stop_requested_at=None
    )
    now = timezone.now()
    rests_until = now + min(FIRST_BACKOFF * 2 ** min(turn.failed_tries, 10), MAX_BACKOFF)
    if outcome.retry_at:
        rests_until = max(rests_until, min(outcome.retry_at, now + MAX_RETRY_WAIT))
    is_back = claimed.update(
        state=TurnState.DEFERRED,
        waits_for=WaitsFor.MODEL,
        claim=None,
        lease_until=None,
        claim_count=0,
        failed_tries=F("failed_tries") + 1,
        hold_number=F("hold_number") + 1,
        try_after=rests_until,
        prompt_tokens=0,
    )
    if is_back:
        resolve_hold(turn, outcome)
    return bool(is_back)


@transaction.atomic
def end_deferred(turn: Turn, outcome: Outcome) -> bool:
    """End a deferred turn. It has no hold, so nothing is charged. Returns False if it is no longer deferred."""
    lock_with_retried(turn.pk)
    if not Turn.objects.filter(pk=turn.pk, state=TurnState.DEFERRED).update(**build_ended_fields(outcome)):
        return False
    if outcome.verdict:
        reset_title(turn)
        record_crisis(turn, outcome.verdict, person=turn.conversation.owner, state=outcome.state)
    choose_shown_turn(turn.pk)
    transaction.on_commit(outcome.record)
    transaction.on_commit(lambda: streaming.end_stream(turn.pk))
    return True


def build_outcome_without_answer(end_reason: EndReason, state: TurnState = TurnState.FAILED) -> Outcome:
    return Outcome(state=state, end_reason=end_reason, answer="", prompt_tokens=0, answer_tokens=0)


def end_expired_deferred(*, now: datetime | None = None) -> int:
    """End the turns that were deferred for longer than MAX_DEFERRAL, one transaction each. Returns how many."""
    before = (now or timezone.now()) - MAX_DEFERRAL
    overdue = Turn.objects.filter(state=TurnState.DEFERRED, deferred_at__lte=before).select_related(
        "conversation"
    )
    return sum(
        end_deferred(turn, build_outcome_without_answer(EndReason.WAITED_TOO_LONG)) for turn in overdue
    )
