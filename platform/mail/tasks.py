from uuid import UUID

from celery import shared_task

from mail import sending, services


@shared_task(name="mail.tasks.send_email")
def send_email(email_id: str) -> None:
    """Send one email if it is due."""
    sending.send_email(email_id=UUID(email_id))


@shared_task(name="mail.tasks.sweep_emails")
def sweep_emails() -> None:
    """Requeue abandoned emails and nudge those that are due."""
    sending.sweep_emails()


@shared_task(name="mail.tasks.delete_expired_emails")
def delete_expired_emails() -> None:
    """Delete emails past their retention."""
    services.delete_expired_emails()
