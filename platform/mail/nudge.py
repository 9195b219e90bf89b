"""Tells a worker that a mail waits."""

from uuid import UUID

from kit import jobs


def send(mail_id: UUID) -> None:
    jobs.nudge("mail.tasks.mail_send", str(mail_id))
