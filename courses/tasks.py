from celery import shared_task

from courses.learning import joint_modules


@shared_task(name="courses.tasks.delete_expired_joint_modules")
def delete_expired_joint_modules() -> int:
    """Delete joint modules that are past their retention. Return how many."""
    return joint_modules.delete_expired_joint_modules()
