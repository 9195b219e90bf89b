"""Whether the model's server has been down for minutes (ADR 40).

A fault is written down by the worker that met it. What follows from it is decided in one place, by the task that beat
sends every few seconds: while a fault stands it asks the server whether it is there. Without one it does nothing.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from chat.connections import lock_key
from chat.deferral_models import ModelOutage
from chat.models import Ending, State, Turn
from inference import loop

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
    # The model's client takes most of a second to import, and only a worker needs it.
    from inference.provider import fault_of_server  # noqa: PLC0415

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
