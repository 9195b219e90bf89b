from uuid import UUID

from celery import shared_task

from chat import leases, services, tutor


@shared_task(name="chat.tasks.turn_answer")
def turn_answer(turn_id: str) -> None:
    tutor.turn_answer(turn_id=UUID(turn_id))


@shared_task(name="chat.tasks.turns_sweep")
def turns_sweep() -> None:
    leases.turns_sweep()


@shared_task(name="chat.tasks.conversations_forget")
def conversations_forget() -> None:
    services.conversations_forget()
