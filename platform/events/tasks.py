"""Periodic tasks: delete expired sign-ups, send reminders, expire offers."""

from celery import shared_task

from events import reminders, services, spots


@shared_task(name="events.tasks.delete_expired_sign_ups")
def delete_expired_sign_ups() -> int:
    """Delete sign-ups past their retention. Return how many."""
    return services.delete_expired_sign_ups()


@shared_task(name="events.tasks.send_reminders")
def send_reminders() -> int:
    """Send reminders that are due. Return how many."""
    return reminders.send_reminders()


@shared_task(name="events.tasks.expire_offers")
def expire_offers() -> int:
    """Expire offers and offer the spots to the next people. Return how many expired."""
    return spots.expire_offers()
