from celery import shared_task

from privacy import log_titles, services


@shared_task(ignore_result=True)
def log_titles_forget() -> None:
    """Strike the names out of what the admin pages' log says of people."""
    log_titles.log_titles_forget()


@shared_task(ignore_result=True)
def erased_people_forget() -> None:
    """Forget which accounts were erased, once no backup holds them any more."""
    services.erased_people_forget()
