"""Calendar feeds: one of all events, and one of each person's own events."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Person
from events.calendar import CalendarEntries, build_public_entry, render_calendar
from events.itip import build_own_entry
from events.models import CalendarFeed, SignUp, SignUpStatus
from events.selectors import list_calendar_events, list_own_sign_ups
from kit.languages import get_page_language
from kit.tokens import generate_token

# Recent events stay in a feed, or they would vanish from calendars.
PAST_EVENTS_SHOWN_FOR = timedelta(days=30)


def render_public_feed(*, now: datetime | None = None) -> str:
    """Render all published events, from `PAST_EVENTS_SHOWN_FOR` ago on. Cancelled events are marked as cancelled."""
    since = (now or timezone.now()) - PAST_EVENTS_SHOWN_FOR
    return _render_feed(
        _("Kitchen Table"), [(event, build_public_entry(event)) for event in list_calendar_events(since)]
    )


def render_own_feed(person: Person, *, now: datetime | None = None) -> str:
    """Render the events at which a person has a spot, with the UIDs of their invitations."""
    since = (now or timezone.now()) - PAST_EVENTS_SHOWN_FOR
    sign_ups: Iterable[SignUp] = list_own_sign_ups(person).filter(
        status=SignUpStatus.GOING,
        event__is_published=True,
        event__minutes__isnull=False,
        event__starts_at__gte=since,
    )
    return _render_feed(
        _("My events at Kitchen Table"), [(sign_up.event, build_own_entry(sign_up)) for sign_up in sign_ups]
    )


def _render_feed(name: str, entries: CalendarEntries) -> str:
    for event, entry in entries:
        if event.is_cancelled:
            entry.add("STATUS", "CANCELLED")
    return render_calendar("PUBLISH", entries, name=name)


@transaction.atomic
def create_feed(*, person: Person) -> CalendarFeed:
    """Create a person's feed, or give it a new token. The old link stops working."""
    feed, _is_new = CalendarFeed.objects.update_or_create(
        person=person,
        defaults={"token": generate_token(), "created_at": timezone.now(), "language": get_page_language()},
    )
    return feed


@transaction.atomic
def delete_feed(*, person: Person) -> None:
    """Delete a person's feed, if there is one."""
    CalendarFeed.objects.filter(person=person).delete()
