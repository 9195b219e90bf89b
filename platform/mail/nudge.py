"""Tells a worker that a mail waits."""

from uuid import UUID

from kit import jobs


def send(email_id: UUID) -> None:
    jobs.nudge("mail.tasks.send_email", str(email_id))
