"""What a provider tells of a mail after it took it: that it came back, or that its reader complained."""

from datetime import datetime

from anymail.signals import AnymailTrackingEvent, EventType
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from mail.models import MAX_ERROR_LENGTH, BounceKind, Email

# What else is told (delivered, opened, clicked) is nobody's business here, and is not kept.
RECORDED_EVENTS = {
    EventType.BOUNCED: BounceKind.BOUNCED,
    EventType.REJECTED: BounceKind.REFUSED,
    EventType.FAILED: BounceKind.REFUSED,
    EventType.COMPLAINED: BounceKind.COMPLAINED,
}


@transaction.atomic
def record_bounce(
    *, message_id: str, recipient: str, kind: BounceKind, words: str = "", at: datetime | None = None
) -> bool:
    """Write down that a mail came back, by its provider's id or our own. False for one that is not known, or forgotten.

    A complaint outweighs a return that came before it, and nothing outweighs a complaint.
    """
    known = Email.objects.filter(Q(provider_id=message_id) | Q(message_id=message_id), to__iexact=recipient)
    if not message_id:
        return False
    changed = known.exclude(bounce=BounceKind.COMPLAINED).update(
        bounce=kind, bounced_at=at or timezone.now(), error=words[:MAX_ERROR_LENGTH]
    )
    return bool(changed)


def handle_tracking_event(*, event: AnymailTrackingEvent, **_signal: object) -> None:
    """Take django-anymail's word, which has checked that it is the provider's."""
    kind = RECORDED_EVENTS.get(event.event_type)
    if kind is None:
        return
    words = event.mta_response or event.description or event.reject_reason or ""
    record_bounce(
        message_id=str(event.message_id or ""),
        recipient=str(event.recipient or ""),
        kind=kind,
        words=" ".join(str(words).split()),
        at=event.timestamp,
    )
