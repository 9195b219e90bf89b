"""Record bounces and complaints that a provider reports after it accepted an email."""

from datetime import datetime

from anymail.signals import AnymailTrackingEvent, EventType
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from mail.models import MAX_ERROR_LENGTH, BounceKind, Email

# Other events (delivered, opened, clicked) are private and not stored.
RECORDED_EVENTS = {
    EventType.BOUNCED: BounceKind.BOUNCED,
    EventType.REJECTED: BounceKind.REFUSED,
    EventType.FAILED: BounceKind.REFUSED,
    EventType.COMPLAINED: BounceKind.COMPLAINED,
}


@transaction.atomic
def record_bounce(
    *, message_id: str, recipient: str, kind: BounceKind, reason: str = "", at: datetime | None = None
) -> bool:
    """Record a bounce for an email, found by the provider's id or its Message-ID. Return whether one was found.

    A complaint replaces an earlier bounce. Nothing replaces a complaint.
    """
    known = Email.objects.filter(Q(provider_id=message_id) | Q(message_id=message_id), to__iexact=recipient)
    if not message_id:
        return False
    changed = known.exclude(bounce=BounceKind.COMPLAINED).update(
        bounce=kind, bounced_at=at or timezone.now(), error=reason[:MAX_ERROR_LENGTH]
    )
    return bool(changed)


def handle_tracking_event(*, event: AnymailTrackingEvent, **_signal: object) -> None:
    """Handle a tracking event from django-anymail, which has authenticated the provider."""
    kind = RECORDED_EVENTS.get(event.event_type)
    if kind is None:
        return
    reason = event.mta_response or event.description or event.reject_reason or ""
    record_bounce(
        message_id=str(event.message_id or ""),
        recipient=str(event.recipient or ""),
        kind=kind,
        reason=" ".join(str(reason).split()),
        at=event.timestamp,
    )
