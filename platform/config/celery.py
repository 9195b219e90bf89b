import os

from celery import Celery
from celery.signals import setup_logging, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("kitchen_table")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_django_logging(**_given: object) -> None:
    """Django has set it up already, for every process alike; whoever listens here keeps Celery from doing its own."""


@worker_init.connect
def load_before_first_task(**_given: object) -> None:
    """Before the first task is taken, and before the worker answers whether it is there."""
    from config.startup import load_for_worker  # noqa: PLC0415 - once Django is set up

    try:
        load_for_worker()
    except Exception as fault:
        # Celery logs any other exception of a signal and goes on without what failed.
        raise SystemExit(f"{type(fault).__name__}: {fault}") from fault
