"""Change or cancel an event, and queue the emails about it in the same transaction."""

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

# Fields that people were told about. The link to join is not one of them: it is behind each person's own page.
ANNOUNCED_FIELDS = {
    "title": _("title"),
    "summary": _("summary"),
    "starts_at": _("start"),
    "time_zone": _("time zone"),
    "minutes": _("length"),
    "hosts": _("hosts"),
    "description": _("description"),
    "language": _("language"),
    "translations": _("translation"),
    # Links in sent emails use it.
    "slug": _("address"),
}

FIELDS_OUTSIDE_FORM = ("cancelled_at", "recording_published_at", "totals")


def list_changes(event: Event) -> list[Promise]:
    """List the names of announced fields that differ from the saved event. Empty for a new event."""
    saved = Event.objects.filter(pk=event.pk).first()
    return [
        label
        for name, label in ANNOUNCED_FIELDS.items()
        if saved and getattr(saved, name) != getattr(event, name)
    ]


@transaction.atomic
def update_event(*, event: Event, notify: bool) -> int:
    """Save a changed event, and with `notify` email everyone who confirmed, with a calendar update.

    `sequence` increases with every change of an announced field, with or without emails. Returns how many emails were
    queued: 0 if no announced field changed.
    """
    saved = lock_event(event.pk)
    changes = list_changes(event)
    # The form was read before the row was locked, so take the other fields' current values.
    for name in FIELDS_OUTSIDE_FORM:
        setattr(event, name, getattr(saved, name))
    event.sequence = saved.sequence + bool(changes)
    event.save()
    if event.starts_at != saved.starts_at:
        _erase_waiting_reminders(saved)
    if not (event.is_published and event.is_open):
        return 0
    # The capacity may have grown.
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
    """Cancel an event, and email everyone who confirmed, with the `reason` and a calendar cancellation.

    Returns how many emails were queued. Raises EventClosed if the event is over or cancelled already.
    """
    now = now or timezone.now()
    saved = lock_event(event.pk)
    if not saved.is_open_at(now):
        raise EventClosed
    event.cancelled_at, event.sequence = now, saved.sequence + 1
    event.save(update_fields=["cancelled_at", "sequence"])
    _erase_waiting_reminders(saved)
    return len(
        queue_emails(
            new_emails=[
                emails.build_cancellation_notice(sign_up, reason=reason)
                for sign_up in _list_recipients(event)
            ]
        )
    )


def _erase_waiting_reminders(saved: Event) -> None:
    """Erase queued reminders of a start time that no longer holds."""
    keys = [
        key for sign_up in list_confirmed_sign_ups(saved) for key in emails.list_reminder_keys(sign_up, saved)
    ]
    erase_emails(emails=list_waiting_emails(keys))


def _list_recipients(event: Event) -> list[SignUp]:
    """List confirmed sign-ups with this event instance, so that emails show what was just saved."""
    people = list(list_confirmed_sign_ups(event).order_by("created_at", "pk"))
    for sign_up in people:
        sign_up.event = event
    return people
