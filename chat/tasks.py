from typing import Any

from celery import shared_task
from celery.signals import worker_shutdown, worker_shutting_down

from chat import reports, services
from chat.answering import leases
from chat.answering.worker import get_worker
from chat.asking import deferred
from kit.connections import release_connection
from telemetry.context import bound_log_ids


@shared_task(name="chat.tasks.claim_turns")
def claim_turns(turn_id: str) -> None:
    """Claim the next turns in the queue. `turn_id` is the turn that sent the nudge, for the log only."""
    try:
        with bound_log_ids(turn=turn_id):
            get_worker().claim_next()
    finally:
        release_connection()


@worker_shutting_down.connect
def _stop_claiming(**_about: Any) -> None:
    get_worker().is_closing = True


@worker_shutdown.connect
def _close_worker(**_about: Any) -> None:
    get_worker().close()


@shared_task(name="chat.tasks.sweep_turns")
def sweep_turns() -> None:
    """Move on turns whose lease has run out."""
    leases.sweep_turns()


@shared_task(name="chat.tasks.watch_deferred")
def watch_deferred() -> None:
    """Check whether the model is down or back, and release deferred turns."""
    try:
        deferred.watch_deferred()
    finally:
        release_connection()


@shared_task(name="chat.tasks.delete_expired_conversations")
def delete_expired_conversations() -> None:
    """Delete conversations that are past their retention."""
    services.delete_expired_conversations()


@shared_task(name="chat.tasks.delete_expired_reports")
def delete_expired_reports() -> None:
    """Delete reports that are past their retention."""
    reports.delete_expired_reports()
