"""Calendars to subscribe to: all events, and those that one person goes to."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Person
from events.calendar import Entries, calendar_text, public_entry
from events.itip import own_entry
from events.models import CalendarFeed, SignUp, Standing
from events.selectors import events_in_calendars, own_sign_ups
from kit.languages import page_language
from kit.tokens import new_token

# What was lately stays, so that nobody wonders where it went.
KEPT_FOR = timedelta(days=30)


def feed_of_all(*, now: datetime | None = None) -> str:
    """Every published event of the last thirty days and to come. What was called off says so, to be crossed out."""
    since = (now or timezone.now()) - KEPT_FOR
    return _feed(_("Kitchen Table"), [(event, public_entry(event)) for event in events_in_calendars(since)])


def feed_of(person: Person, *, now: datetime | None = None) -> str:
    """The events at which they have a place, each as the invitation has it."""
    since = (now or timezone.now()) - KEPT_FOR
    places: Iterable[SignUp] = own_sign_ups(person).filter(
        standing=Standing.PLACED,
        event__is_published=True,
        event__minutes__isnull=False,
        event__starts_at__gte=since,
    )
    return _feed(_("My events at Kitchen Table"), [(place.event, own_entry(place)) for place in places])


def _feed(name: str, entries: Entries) -> str:
    for event, entry in entries:
        if event.is_cancelled:
            entry.add("STATUS", "CANCELLED")
    return calendar_text("PUBLISH", entries, name=name)


@transaction.atomic
def feed_make(*, person: Person) -> CalendarFeed:
    """A person's feed, under a new address: whoever had the old one reads no more."""
    feed, _made = CalendarFeed.objects.update_or_create(
        person=person,
        defaults={"token": new_token(), "made_at": timezone.now(), "language": page_language()},
    )
    return feed


@transaction.atomic
def feed_end(*, person: Person) -> None:
    """End a person's feed. Ending it twice does nothing more."""
    CalendarFeed.objects.filter(person=person).delete()
