"""What a provider tells of a mail after it took it: that it came back, or that its reader complained."""

from datetime import datetime

from anymail.signals import AnymailTrackingEvent, EventType
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from mail.models import LONGEST_TROUBLE, Mail, Return

# What else is told (delivered, opened, clicked) is nobody's business here, and is not kept.
KEPT = {
    EventType.BOUNCED: Return.BOUNCED,
    EventType.REJECTED: Return.REFUSED,
    EventType.FAILED: Return.REFUSED,
    EventType.COMPLAINED: Return.COMPLAINED,
}


@transaction.atomic
def mail_returned(
    *, message_id: str, recipient: str, kind: Return, words: str = "", at: datetime | None = None
) -> bool:
    """Write down that a mail came back, by its provider's id or our own. False for one that is not known, or forgotten.

    A complaint outweighs a return that came before it, and nothing outweighs a complaint.
    """
    known = Mail.objects.filter(Q(provider_id=message_id) | Q(message_id=message_id), to__iexact=recipient)
    if not message_id:
        return False
    changed = known.exclude(returned=Return.COMPLAINED).update(
        returned=kind, returned_at=at or timezone.now(), trouble=words[:LONGEST_TROUBLE]
    )
    return bool(changed)


def told_by_provider(*, event: AnymailTrackingEvent, **_signal: object) -> None:
    """Take django-anymail's word, which has checked that it is the provider's."""
    kind = KEPT.get(event.event_type)
    if kind is None:
        return
    words = event.mta_response or event.description or event.reject_reason or ""
    mail_returned(
        message_id=str(event.message_id or ""),
        recipient=str(event.recipient or ""),
        kind=kind,
        words=" ".join(str(words).split()),
        at=event.timestamp,
    )
