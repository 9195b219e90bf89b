"""What time does by itself: names and addresses are forgotten."""

from celery import shared_task

from events import services


@shared_task(name="events.tasks.sign_ups_forget")
def sign_ups_forget() -> int:
    """Delete the sign-ups of events that ended thirty days ago. Returns how many there were."""
    return services.sign_ups_forget()
