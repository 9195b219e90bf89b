from celery import shared_task

from privacy import admin_log, services


@shared_task(ignore_result=True)
def redact_expired_titles() -> None:
    """Remove names from old entries of the admin log."""
    admin_log.redact_expired_titles()


@shared_task(ignore_result=True)
def delete_expired_erasures() -> None:
    """Delete records of erasures for which no older backup is left."""
    services.delete_expired_erasures()
