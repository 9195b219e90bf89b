import os

from celery import Celery
from celery.signals import setup_logging, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("kitchen_table")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_django_logging(**_given: object) -> None:
    """Keep the logging that Django has set up: a receiver of this signal disables Celery's own."""


@worker_init.connect
def load_before_first_task(**_given: object) -> None:
    """Load before the worker takes its first task and answers pings."""
    from config.startup import load_for_worker  # noqa: PLC0415 - once Django is set up

    try:
        load_for_worker()
    except Exception as error:
        # Celery only logs other exceptions of a signal receiver and would run without the failed part.
        raise SystemExit(f"{type(error).__name__}: {error}") from error
