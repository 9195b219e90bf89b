from celery import shared_task
from django.core.management import call_command


@shared_task(ignore_result=True)
def sessions_forget() -> None:
    """Delete the sessions that have ended, and with them what visitors did without signing in."""
    call_command("clearsessions")
