"""Changes of an event that has people: made together with the mails that tell them, in one transaction."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from events import letters
from events.errors import EventClosed
from events.models import Event, SignUp
from events.places import event_hold, places_offer
from events.selectors import people_of
from mail.selectors import mails_waiting
from mail.services import mails_erase, mails_queue

# What people were told of an event. The link to join is not among them: it stands behind everybody's own page.
TOLD = {
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

WRITTEN_ELSEWHERE = ("cancelled_at", "recording_at", "totals")


def changes_of(event: Event) -> list[Promise]:
    """What people were told and differs from what is kept, in words. Nothing for an event that is new."""
    kept = Event.objects.filter(pk=event.pk).first()
    return [said for name, said in TOLD.items() if kept and getattr(kept, name) != getattr(event, name)]


@transaction.atomic
def event_change(*, event: Event, is_told: bool) -> int:
    """Save a changed event, and send everybody who confirmed the update of their calendar's entry.

    The revision rises with whatever they were told, whether they are told of the change or not. Returns how many
    were told: none where nothing that they know of has changed, or `is_told` is false.
    """
    kept = event_hold(event.pk)
    changes = changes_of(event)
    # The form was read before the row was held: what is written elsewhere is as it is now.
    for name in WRITTEN_ELSEWHERE:
        setattr(event, name, getattr(kept, name))
    event.sequence = kept.sequence + bool(changes)
    event.save()
    if event.starts_at != kept.starts_at:
        _reminders_drop(kept)
    if not (event.is_published and event.is_open):
        return 0
    # There may be more places than before.
    places_offer(event, now=timezone.now())
    if not (changes and is_told):
        return 0
    return len(mails_queue(drafts=[letters.changed(sign_up, changes=changes) for sign_up in _people(event)]))


@transaction.atomic
def event_cancel(*, event: Event, reason: str = "", now: datetime | None = None) -> int:
    """Call an event off, tell everybody who confirmed, and take it out of their calendars.

    `reason` is told too. Returns how many were told. Raises EventClosed for one that is over or cancelled already.
    """
    now = now or timezone.now()
    kept = event_hold(event.pk)
    if not kept.is_open_at(now):
        raise EventClosed
    event.cancelled_at, event.sequence = now, kept.sequence + 1
    event.save(update_fields=["cancelled_at", "sequence"])
    _reminders_drop(kept)
    return len(mails_queue(drafts=[letters.cancelled(sign_up, reason=reason) for sign_up in _people(event)]))


def _reminders_drop(kept: Event) -> None:
    """Reminders of a start that is none any more, and that have not gone out yet, never do."""
    keys = [key for sign_up in people_of(kept) for key in letters.reminder_keys(sign_up, kept)]
    mails_erase(mails=mails_waiting(keys))


def _people(event: Event) -> list[SignUp]:
    """Everybody who has confirmed, with this very event: what they are told is what was just saved."""
    people = list(people_of(event).order_by("created_at", "pk"))
    for sign_up in people:
        sign_up.event = event
    return people
