from celery import shared_task

from courses.together import services


@shared_task(name="courses.tasks.togethers_forget")
def togethers_forget() -> int:
    return services.togethers_forget()
