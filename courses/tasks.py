from celery import shared_task

from courses.learning import joint_modules


@shared_task(name="courses.tasks.delete_expired_joint_modules")
def delete_expired_joint_modules() -> int:
    return joint_modules.delete_expired_joint_modules()
