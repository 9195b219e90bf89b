"""What time does by itself: names and addresses are forgotten, and offers pass on."""

from celery import shared_task

from events import places, services


@shared_task(name="events.tasks.sign_ups_forget")
def sign_ups_forget() -> int:
    """Delete the sign-ups that have had their days. Returns how many there were."""
    return services.sign_ups_forget()


@shared_task(name="events.tasks.offers_expire")
def offers_expire() -> int:
    """Let offers whose time is over pass to the next in line. Returns how many passed."""
    return places.offers_expire()
