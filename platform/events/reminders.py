"""Remind everyone with a spot a day and an hour before the start, each once, even if a worker dies."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from events import emails
from events.models import SignUp, SignUpStatus
from mail.services import NewEmail, queue_emails

# How many reminders to queue in one transaction.
BATCH_SIZE = 100


@dataclass(frozen=True)
class ReminderSchedule:
    """When to send a reminder.

    It is sent from `before` the start until `at_least` before it. `field` stores the start that it was sent for.
    """

    before: timedelta
    at_least: timedelta
    field: str
    build_email: Callable[[SignUp], NewEmail]


REMINDERS = (
    ReminderSchedule(timedelta(days=1), timedelta(hours=3), "day_reminder_for", emails.build_day_reminder),
    ReminderSchedule(timedelta(hours=1), timedelta(0), "hour_reminder_for", emails.build_hour_reminder),
)


def send_reminders(*, now: datetime | None = None) -> int:
    """Queue every reminder that is due. Return how many sign-ups were handled.

    The email and the mark that it was sent are one transaction. If an event moves, its reminders are sent again.
    """
    now = now or timezone.now()
    count = 0
    for reminder in REMINDERS:
        while batch := _send_batch(reminder, now):
            count += batch
    return count


@transaction.atomic
def _send_batch(reminder: ReminderSchedule, now: datetime) -> int:
    due = (
        SignUp.objects.select_related("event", "guest_of")
        .filter(
            Q(**{reminder.field: None}) | ~Q(**{reminder.field: F("event__starts_at")}),
            status=SignUpStatus.GOING,
            # Anyone who got a spot later has just had an email.
            spot_given_at__lt=F("event__starts_at") - reminder.before,
            event__is_published=True,
            event__cancelled_at=None,
            event__starts_at__gt=now + reminder.at_least,
            event__starts_at__lte=now + reminder.before,
        )
        .order_by("pk")
        # Skip sign-ups that another worker is handling.
        .select_for_update(of=("self",), skip_locked=True)
    )
    batch = list(due[:BATCH_SIZE])
    for sign_up in batch:
        setattr(sign_up, reminder.field, sign_up.event.starts_at)
    SignUp.objects.bulk_update(batch, [reminder.field])
    queue_emails(new_emails=[reminder.build_email(sign_up) for sign_up in emails.exclude_unsubscribed(batch)])
    return len(batch)
