from uuid import UUID

from celery import shared_task

from kit.connections import release_connection
from safeguarding import notifying, retention


@shared_task(name="safeguarding.tasks.notify_on_call")
def notify_on_call(incident_id: str) -> None:
    """Tell the people on call of an incident, and post it to the webhook."""
    try:
        notifying.notify_on_call(incident_id=UUID(incident_id))
        notifying.send_webhook(incident_id=UUID(incident_id))
    finally:
        release_connection()


@shared_task(name="safeguarding.tasks.sweep_incidents")
def sweep_incidents() -> int:
    """Notify of incidents whose notification was lost, and escalate those that no one has claimed. Return how many."""
    return notifying.sweep_incidents()


@shared_task(name="safeguarding.tasks.delete_expired_incident_data")
def delete_expired_incident_data() -> int:
    """Delete expired excerpts, and unlink old incidents from their teens. Return how many changed."""
    return retention.delete_expired_incident_data()
