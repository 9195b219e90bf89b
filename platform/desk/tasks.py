from celery import shared_task

from desk import health


@shared_task(name="desk.tasks.record_heartbeat")
def record_heartbeat() -> None:
    """Note that the worker works, for the desk."""
    health.record_heartbeat()
