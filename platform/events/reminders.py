"""A day and an hour before, everybody with a place is reminded: each once, though a worker dies in the middle."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from events import emails
from events.models import SignUp, SignUpStatus
from mail.services import NewEmail, queue_emails

# As many as are written in one transaction.
BATCH_SIZE = 100


@dataclass(frozen=True)
class Reminder:
    """When it is said, until when it may still be said late, and the field that says for which start it was."""

    before: timedelta
    at_least: timedelta
    field: str
    draft: Callable[[SignUp], NewEmail]


REMINDERS = (
    Reminder(timedelta(days=1), timedelta(hours=3), "day_reminder_for", emails.build_day_reminder),
    Reminder(timedelta(hours=1), timedelta(0), "hour_reminder_for", emails.build_hour_reminder),
)


def send_reminders(*, now: datetime | None = None) -> int:
    """Write every reminder that is due. Returns how many there were.

    That one was written, and the mail, are one transaction. An event that is moved is reminded of anew.
    """
    now = now or timezone.now()
    count = 0
    for reminder in REMINDERS:
        while some := _send_batch(reminder, now):
            count += some
    return count


@transaction.atomic
def _send_batch(reminder: Reminder, now: datetime) -> int:
    due = (
        SignUp.objects.select_related("event", "guest_of")
        .filter(
            Q(**{reminder.field: None}) | ~Q(**{reminder.field: F("event__starts_at")}),
            status=SignUpStatus.GOING,
            # Whoever came later has just been told.
            spot_given_at__lt=F("event__starts_at") - reminder.before,
            event__is_published=True,
            event__cancelled_at=None,
            event__starts_at__gt=now + reminder.at_least,
            event__starts_at__lte=now + reminder.before,
        )
        .order_by("pk")
        # Another worker that is at it has its own.
        .select_for_update(of=("self",), skip_locked=True)
    )
    some = list(due[:BATCH_SIZE])
    for sign_up in some:
        setattr(sign_up, reminder.field, sign_up.event.starts_at)
    SignUp.objects.bulk_update(some, [reminder.field])
    queue_emails(new_emails=[reminder.draft(sign_up) for sign_up in emails.exclude_unsubscribed(some)])
    return len(some)
