from celery import shared_task

from accounts import personal, services, unconfirmed
from accounts.sessions import ended_forget


@shared_task(ignore_result=True)
def sessions_forget() -> None:
    """Delete the sessions that have ended, and with them what visitors did without signing in."""
    services.sessions_forget()
    ended_forget()


@shared_task(ignore_result=True)
def log_titles_forget() -> None:
    """Strike the names out of what the admin pages' log says of people."""
    personal.log_titles_forget()


@shared_task(ignore_result=True)
def erased_people_forget() -> None:
    """Forget which accounts were erased, once no backup holds them any more."""
    services.erased_people_forget()


@shared_task(ignore_result=True)
def unconfirmed_forget() -> None:
    """Erase the accounts whose address nobody confirmed in time."""
    unconfirmed.unconfirmed_forget()
