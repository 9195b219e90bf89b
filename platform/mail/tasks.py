from uuid import UUID

from celery import shared_task

from mail import sending, services


@shared_task(name="mail.tasks.mail_send")
def mail_send(mail_id: str) -> None:
    sending.mail_send(mail_id=UUID(mail_id))


@shared_task(name="mail.tasks.mails_sweep")
def mails_sweep() -> None:
    sending.mails_sweep()


@shared_task(name="mail.tasks.mails_forget")
def mails_forget() -> None:
    services.mails_forget()
