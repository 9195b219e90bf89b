"""Previews for admins: an event's page, and its emails to a made-up person."""

from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from events import emails
from events.forms import SignUpForm
from events.models import Event, SignUp, SignUpStatus
from events.spots import compute_offer_end
from mail.models import Email
from mail.services import build_email

SAMPLE_ID, SAMPLE_TOKEN = UUID(int=0), "sample"


def build_page_context(event: Event) -> dict[str, object]:
    """Return the context of the event's page for a visitor."""
    return {"event": event, "form": SignUpForm(), "zone": None, "cities": []}


def build_sample_emails(event: Event) -> dict[str, Email]:
    """Build every email of an event by name, unsaved. The personal links in them do not work."""
    now = timezone.now()
    until = compute_offer_end(event, now) if event.starts_at > now else now + timedelta(hours=1)
    kim = SignUp(
        pk=SAMPLE_ID,
        event=event,
        name="Kim",
        email="kim@example.org",
        token=SAMPLE_TOKEN,
        status=SignUpStatus.GOING,
    )
    kim.waitlisted_at, kim.offer_expires_at = now, until
    new_emails = {
        "confirmation_request": emails.build_confirmation_request(kim),
        "spot_confirmation": emails.build_spot_confirmation(kim),
        "waitlisted": emails.build_waitlisted(kim),
        "offer": emails.build_offer(kim),
        "offer_expired": emails.build_offer_expired(kim),
        "changed": emails.build_change_notice(kim),
        "day_reminder": emails.build_day_reminder(kim),
        "hour_reminder": emails.build_hour_reminder(kim),
        "recording": emails.build_recording(kim),
        "left": emails.build_left_notice(kim),
        "address_full": emails.build_address_full(kim, name="Lee", now=now),
        "cancelled": emails.build_cancellation_notice(kim),
    }
    return {name: build_email(new_email) for name, new_email in new_emails.items()}
