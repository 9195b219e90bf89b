# Celery's app must exist before any task is declared, in the web process too.
from config.celery import app as celery_app

__all__ = ["celery_app"]
