"""A day and an hour before, everybody with a place is reminded: each once, though a worker dies in the middle."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from events import letters
from events.models import SignUp, Standing
from mail.services import Draft, mails_queue

# As many as are written in one transaction.
FEW = 100


@dataclass(frozen=True)
class Reminder:
    """When it is said, until when it may still be said late, and the field that says for which start it was."""

    before: timedelta
    at_least: timedelta
    field: str
    draft: Callable[[SignUp], Draft]


REMINDERS = (
    Reminder(timedelta(days=1), timedelta(hours=3), "day_told_for", letters.day_before),
    Reminder(timedelta(hours=1), timedelta(0), "hour_told_for", letters.hour_before),
)


def reminders_send(*, now: datetime | None = None) -> int:
    """Write every reminder that is due. Returns how many there were.

    That one was written, and the mail, are one transaction. An event that is moved is reminded of anew.
    """
    now = now or timezone.now()
    count = 0
    for reminder in REMINDERS:
        while some := _few(reminder, now):
            count += some
    return count


@transaction.atomic
def _few(reminder: Reminder, now: datetime) -> int:
    due = (
        SignUp.objects.select_related("event", "guest_of")
        .filter(
            Q(**{reminder.field: None}) | ~Q(**{reminder.field: F("event__starts_at")}),
            standing=Standing.PLACED,
            # Whoever came later has just been told.
            placed_at__lt=F("event__starts_at") - reminder.before,
            event__is_published=True,
            event__cancelled_at=None,
            event__starts_at__gt=now + reminder.at_least,
            event__starts_at__lte=now + reminder.before,
        )
        .order_by("pk")
        # Another worker that is at it has its own.
        .select_for_update(of=("self",), skip_locked=True)
    )
    some = list(due[:FEW])
    for sign_up in some:
        setattr(sign_up, reminder.field, sign_up.event.starts_at)
    SignUp.objects.bulk_update(some, [reminder.field])
    mails_queue(drafts=[reminder.draft(sign_up) for sign_up in letters.welcome(some)])
    return len(some)
