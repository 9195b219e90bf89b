"""Count sign-ups by status, and build the bar chart for admins."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from events.models import Event, SignUpStatus
from events.selectors import find_next_event

MAX_BAR_PIXELS = 320


@dataclass(frozen=True)
class CountBar:
    """One count with its label, and its width in pixels."""

    label: str | Promise
    count: int
    width: int


LABELS = {
    "signed_up": _("signed up"),
    "confirmed": _("confirmed"),
    "going": _("have a spot"),
    "waitlisted": _("on the waitlist"),
    "attended": _("attended"),
}


def count_sign_ups(event: Event) -> dict[str, int]:
    """Count an event's sign-ups by the keys of LABELS, in one query."""
    return event.sign_ups.aggregate(
        signed_up=Count("pk"),
        confirmed=Count("pk", filter=~Q(status=SignUpStatus.UNCONFIRMED)),
        going=Count("pk", filter=Q(status=SignUpStatus.GOING)),
        waitlisted=Count("pk", filter=Q(status__in=[SignUpStatus.WAITLISTED, SignUpStatus.OFFERED])),
        attended=Count("pk", filter=Q(attended_at__isnull=False)),
    )


@dataclass(frozen=True)
class EventWithSignUps:
    """An event, and its counts by the keys of LABELS."""

    event: Event
    sign_ups: dict[str, int]


def find_next_event_with_sign_ups(*, now: datetime) -> EventWithSignUps | None:
    """Return the live or soonest upcoming event with its counts, or None. Two queries."""
    event = find_next_event(now=now)
    return EventWithSignUps(event, count_sign_ups(event)) if event else None


def build_bars(event: Event) -> list[CountBar]:
    """Build one bar per count, scaled to the largest. Uses the saved totals once sign-ups are deleted."""
    numbers = event.totals or count_sign_ups(event)
    longest = max(1, *numbers.values())
    return [
        CountBar(label, numbers[name], round(MAX_BAR_PIXELS * numbers[name] / longest))
        for name, label in LABELS.items()
    ]
