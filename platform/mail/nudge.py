"""Nudge a worker to send an email."""

from uuid import UUID

from kit import jobs


def send(email_id: UUID) -> None:
    """Queue the task that sends an email. If the broker is unavailable, the sweep sends it later."""
    jobs.nudge("mail.tasks.send_email", str(email_id))
