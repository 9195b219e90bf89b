from celery import shared_task

from privacy import admin_log, services


@shared_task(ignore_result=True)
def redact_expired_titles() -> None:
    """Strike the names out of what the admin pages' log says of people."""
    admin_log.redact_expired_titles()


@shared_task(ignore_result=True)
def delete_expired_erasures() -> None:
    """Forget which accounts were erased, once no backup holds them any more."""
    services.delete_expired_erasures()
