from typing import Any

from celery import shared_task
from celery.signals import worker_shutdown, worker_shutting_down

from chat import reports, services
from chat.answering import leases
from chat.answering.desk import desk
from chat.asking import releasing
from kit.connections import give_back
from telemetry.context import about


@shared_task(name="chat.tasks.turns_take")
def turns_take(turn_id: str) -> None:
    """Somebody waits: take what is next in line. Which turn it was about is for the log alone."""
    try:
        with about(turn=turn_id):
            desk().take()
    finally:
        give_back()


@worker_shutting_down.connect
def _take_nothing_more(**_about: Any) -> None:
    desk().is_closing = True


@worker_shutdown.connect
def _finish_writing(**_about: Any) -> None:
    desk().close()


@shared_task(name="chat.tasks.turns_sweep")
def turns_sweep() -> None:
    leases.turns_sweep()


@shared_task(name="chat.tasks.deferred_watch")
def deferred_watch() -> None:
    """See whether the model is down or back, and send on what waits for it."""
    try:
        releasing.watch_deferred()
    finally:
        give_back()


@shared_task(name="chat.tasks.conversations_forget")
def conversations_forget() -> None:
    services.conversations_forget()


@shared_task(name="chat.tasks.reports_forget")
def reports_forget() -> None:
    reports.reports_forget()
