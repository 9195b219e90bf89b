"""What time does by itself: names and addresses are forgotten, offers pass on, reminders go out."""

from celery import shared_task

from events import places, reminders, services


@shared_task(name="events.tasks.sign_ups_forget")
def sign_ups_forget() -> int:
    """Delete the sign-ups that have had their days. Returns how many there were."""
    return services.sign_ups_forget()


@shared_task(name="events.tasks.reminders_send")
def reminders_send() -> int:
    """Remind whoever is to be reminded now. Returns how many were."""
    return reminders.reminders_send()


@shared_task(name="events.tasks.offers_expire")
def offers_expire() -> int:
    """Let offers whose time is over pass to the next in line. Returns how many passed."""
    return places.offers_expire()
