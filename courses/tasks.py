from celery import shared_task

from courses.learning import together


@shared_task(name="courses.tasks.togethers_forget")
def togethers_forget() -> int:
    return together.togethers_forget()
