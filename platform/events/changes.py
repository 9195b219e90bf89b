"""Changes of an event that has people: made together with the mails that tell them, in one transaction."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from events import emails
from events.errors import EventClosed
from events.models import Event, SignUp
from events.selectors import list_confirmed_sign_ups
from events.spots import lock_event, offer_free_spots
from mail.selectors import list_waiting_emails
from mail.services import erase_emails, queue_emails

# What people were told of an event. The link to join is not among them: it stands behind everybody's own page.
ANNOUNCED_FIELDS = {
    "title": _("title"),
    "summary": _("summary"),
    "starts_at": _("start"),
    "time_zone": _("time zone"),
    "minutes": _("length"),
    "hosts": _("hosts"),
    "description": _("description"),
    "language": _("language"),
    # Links in mails that were sent lead there.
    "slug": _("address"),
}

FIELDS_OUTSIDE_FORM = ("cancelled_at", "recording_published_at", "totals")


def list_changes(event: Event) -> list[Promise]:
    """What people were told and differs from what is kept, in words. Nothing for an event that is new."""
    kept = Event.objects.filter(pk=event.pk).first()
    return [
        said
        for name, said in ANNOUNCED_FIELDS.items()
        if kept and getattr(kept, name) != getattr(event, name)
    ]


@transaction.atomic
def update_event(*, event: Event, notify: bool) -> int:
    """Save a changed event, and send everybody who confirmed the update of their calendar's entry.

    The revision rises with whatever they were told, whether they are told of the change or not. Returns how many
    were told: none where nothing that they know of has changed, or `is_told` is false.
    """
    kept = lock_event(event.pk)
    changes = list_changes(event)
    # The form was read before the row was held: what is written elsewhere is as it is now.
    for name in FIELDS_OUTSIDE_FORM:
        setattr(event, name, getattr(kept, name))
    event.sequence = kept.sequence + bool(changes)
    event.save()
    if event.starts_at != kept.starts_at:
        _erase_waiting_reminders(kept)
    if not (event.is_published and event.is_open):
        return 0
    # There may be more places than before.
    offer_free_spots(event, now=timezone.now())
    if not (changes and notify):
        return 0
    return len(
        queue_emails(
            new_emails=[
                emails.build_change_notice(sign_up, changes=changes) for sign_up in _list_recipients(event)
            ]
        )
    )


@transaction.atomic
def cancel_event(*, event: Event, reason: str = "", now: datetime | None = None) -> int:
    """Call an event off, tell everybody who confirmed, and take it out of their calendars.

    `reason` is told too. Returns how many were told. Raises EventClosed for one that is over or cancelled already.
    """
    now = now or timezone.now()
    kept = lock_event(event.pk)
    if not kept.is_open_at(now):
        raise EventClosed
    event.cancelled_at, event.sequence = now, kept.sequence + 1
    event.save(update_fields=["cancelled_at", "sequence"])
    _erase_waiting_reminders(kept)
    return len(
        queue_emails(
            new_emails=[
                emails.build_cancellation_notice(sign_up, reason=reason)
                for sign_up in _list_recipients(event)
            ]
        )
    )


def _erase_waiting_reminders(kept: Event) -> None:
    """Reminders of a start that is none any more, and that have not gone out yet, never do."""
    keys = [
        key for sign_up in list_confirmed_sign_ups(kept) for key in emails.list_reminder_keys(sign_up, kept)
    ]
    erase_emails(emails=list_waiting_emails(keys))


def _list_recipients(event: Event) -> list[SignUp]:
    """Everybody who has confirmed, with this very event: what they are told is what was just saved."""
    people = list(list_confirmed_sign_ups(event).order_by("created_at", "pk"))
    for sign_up in people:
        sign_up.event = event
    return people
