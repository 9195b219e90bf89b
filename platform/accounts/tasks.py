from celery import shared_task

from accounts import confirmations, services
from accounts.sessions import ended_forget


@shared_task(ignore_result=True)
def sessions_forget() -> None:
    """Delete the sessions that have ended, and with them what visitors did without signing in."""
    services.sessions_forget()
    ended_forget()


@shared_task(ignore_result=True)
def unconfirmed_forget() -> None:
    """Erase the accounts whose address nobody confirmed in time."""
    confirmations.unconfirmed_forget()
