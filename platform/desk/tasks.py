from celery import shared_task

from desk import health, team


@shared_task(name="desk.tasks.record_heartbeat")
def record_heartbeat() -> None:
    """Note that the worker works, for the desk."""
    health.record_heartbeat()


@shared_task(name="desk.tasks.delete_expired_team_records")
def delete_expired_team_records() -> None:
    """Delete invitations to the team and changes of roles past their retention."""
    team.delete_expired_team_records()
