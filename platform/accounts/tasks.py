from celery import shared_task

from accounts import confirmations, services
from accounts.sessions import delete_ended_session_records


@shared_task(ignore_result=True)
def delete_expired_sessions() -> None:
    """Delete expired sessions, including what visitors did without signing in."""
    services.delete_expired_sessions()
    delete_ended_session_records()


@shared_task(ignore_result=True)
def delete_unconfirmed_accounts() -> None:
    """Erase accounts whose address wasn't confirmed in time."""
    confirmations.delete_unconfirmed_accounts()
