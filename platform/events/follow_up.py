"""After an event: publish its recording and collect feedback."""

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
    """Show the recording on the event's page, and email everyone who had a spot. Return how many emails were queued.

    Does nothing if it is published already. Raises NoRecording if the event has no recording link, and TooEarly if
    the event is not over or was cancelled.
    """
    locked = lock_event(event.pk)
    now = now or timezone.now()
    if not locked.recording_url:
        raise NoRecording
    if locked.is_cancelled or not locked.is_over_at(now):
        raise TooEarly
    if locked.recording_published_at:
        return 0
    locked.recording_published_at = event.recording_published_at = now
    locked.save(update_fields=["recording_published_at"])
    people = list(locked.sign_ups.filter(status=SignUpStatus.GOING).order_by("created_at", "pk"))
    for sign_up in people:
        sign_up.event = locked
    return len(
        queue_emails(
            new_emails=[emails.build_recording(sign_up) for sign_up in emails.exclude_unsubscribed(people)]
        )
    )


@transaction.atomic
def save_feedback(*, sign_up: SignUp, worth: str, comment: str, now: datetime | None = None) -> Feedback:
    """Save a sign-up's feedback, replacing an earlier one. Raises TooEarly before the event starts."""
    now = now or timezone.now()
    if sign_up.event.starts_at > now:
        raise TooEarly
    feedback, _is_new = Feedback.objects.update_or_create(
        sign_up=sign_up, defaults={"worth": worth, "comment": comment.strip(), "created_at": now}
    )
    return feedback
