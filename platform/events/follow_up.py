"""After the event: its recording, and what people thought of it."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from events import emails
from events.errors import NoRecording, TooEarly
from events.models import Event, Feedback, SignUp, SignUpStatus
from events.spots import lock_event
from mail.services import queue_emails


@transaction.atomic
def publish_recording(*, event: Event, now: datetime | None = None) -> int:
    """Show the recording on the event's page, and tell everybody who had a place, whether they came or not.

    Doing so again tells nobody twice. Returns how many were told. Raises NoRecording where there is no address of one,
    and TooEarly while the event is not over.
    """
    held = lock_event(event.pk)
    now = now or timezone.now()
    if not held.recording_url:
        raise NoRecording
    if held.is_cancelled or not held.is_over_at(now):
        raise TooEarly
    if held.recording_published_at:
        return 0
    held.recording_published_at = event.recording_published_at = now
    held.save(update_fields=["recording_published_at"])
    people = list(held.sign_ups.filter(status=SignUpStatus.GOING).order_by("created_at", "pk"))
    for sign_up in people:
        sign_up.event = held
    return len(
        queue_emails(
            new_emails=[emails.build_recording(sign_up) for sign_up in emails.exclude_unsubscribed(people)]
        )
    )


@transaction.atomic
def save_feedback(*, sign_up: SignUp, worth: str, words: str, now: datetime | None = None) -> Feedback:
    """Keep somebody's two answers; another time they replace the first. Raises TooEarly before the event begins."""
    now = now or timezone.now()
    if sign_up.event.starts_at > now:
        raise TooEarly
    given, _made = Feedback.objects.update_or_create(
        sign_up=sign_up, defaults={"worth": worth, "words": words.strip(), "created_at": now}
    )
    return given
