"""What time does by itself: names and addresses are forgotten, offers pass on, reminders go out."""

from celery import shared_task

from events import reminders, services, spots


@shared_task(name="events.tasks.delete_expired_sign_ups")
def delete_expired_sign_ups() -> int:
    """Delete the sign-ups that have had their days. Returns how many there were."""
    return services.delete_expired_sign_ups()


@shared_task(name="events.tasks.send_reminders")
def send_reminders() -> int:
    """Remind whoever is to be reminded now. Returns how many were."""
    return reminders.send_reminders()


@shared_task(name="events.tasks.expire_offers")
def expire_offers() -> int:
    """Let offers whose time is over pass to the next in line. Returns how many passed."""
    return spots.expire_offers()
