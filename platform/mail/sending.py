"""What workers do with mails: claim one, hand it to the mail server, write down what that said, sweep up.

A claim is a lease. A worker that dies after the server's 250 and before our commit leaves a mail that is sent a
second time once its lease is over; its Message-ID is the same, so a reader's mail program can show it once.
"""

import logging
import secrets
import time
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from anymail.message import AnymailStatus
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from kit.connections import acquire_numbered_lock, release_connection
from mail import nudge
from mail.messages import build_message
from mail.models import Email, EmailState
from mail.send_errors import SendError, classify_error

logger = logging.getLogger(__name__)

# One mail is a dozen steps at the most, each within the ten seconds of `settings.MAILERS`.
LEASE = timedelta(minutes=3)
# A mail server that hangs takes this many of the workers' threads, and leaves the others to the tutor.
MAX_CONCURRENT_SENDS = 4
# How long a mail rests after each try that came to nothing. After the last it has failed.
RETRY_DELAYS = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
)
# How long a mail that was sent waits to say so, for a database that is away.
RECORD_SECONDS = 30.0
# The name of our lock, of PostgreSQL's advisory ones: any number that nobody else uses.
CLAIMS_LOCK = 0x6D61696C


def send_email(*, email_id: UUID) -> bool:
    """Send a mail that is due. False when there is nothing to do: it is another's, over, resting, or gone."""
    email = claim_email(email_id=email_id)
    if email is None:
        return False
    error = _submit(email)
    if error:
        logger.warning("Mail %s was not sent at try %d.", email.pk, email.attempts)
    _record_outcome(email, error)
    # After a fault that may be the server's the others wait for the sweeper, a few at a time.
    if error is None or error.is_final:
        # Any of the first few: workers that end at the same moment must not all choose the same one.
        waiting = list(_list_due_ids(timezone.now())[:MAX_CONCURRENT_SENDS])
        if waiting:
            nudge.send(secrets.choice(waiting))
    return True


@transaction.atomic
def claim_email(*, email_id: UUID) -> Email | None:
    """Take a mail that is due for this worker. None when it is not, or when enough are being sent already."""
    acquire_numbered_lock(CLAIMS_LOCK)
    now = timezone.now()
    if Email.objects.filter(state=EmailState.SENDING, lease_until__gt=now).count() >= MAX_CONCURRENT_SENDS:
        return None
    claimed = Email.objects.filter(pk=email_id, state=EmailState.WAITING, send_after__lte=now).update(
        state=EmailState.SENDING, claim=uuid4(), lease_until=now + LEASE, attempts=F("tries") + 1
    )
    return Email.objects.prefetch_related("attachments").get(pk=email_id) if claimed else None


def _submit(email: Email) -> SendError | None:
    """Give the mail to the server, outside of any transaction and without a connection of the pool."""
    release_connection()
    try:
        message = build_message(email)
        message.send(using="default")
        told = getattr(message, "anymail_status", AnymailStatus()).message_id
        email.provider_id = "" if told is None else str(told)
    except Exception as fault:
        error = classify_error(fault)
        if error is None:
            logger.exception("Mail %s met a fault of our own.", email.pk)
        return error or SendError(words=type(fault).__name__)
    return None


def _record_outcome(email: Email, error: SendError | None) -> None:
    """Write down what became of a mail, waiting for a database that is away for a while."""
    give_up_at = time.monotonic() + RECORD_SECONDS
    while True:
        try:
            finish_attempt(email=email, error=error)
        except DatabaseError:
            if time.monotonic() > give_up_at:
                raise
            logger.warning("The database is away: the outcome of mail %s waits.", email.pk)
            connection.close()
            time.sleep(0.5)
        else:
            return


def finish_attempt(*, email: Email, error: SendError | None) -> bool:
    """End a try: sent, failed, or waiting for the next. False when the claim was lost and nothing was changed."""
    now = timezone.now()
    if error is None:
        # The sweeper may have taken it back in the meantime. Sent is sent, while nobody else has begun.
        unclaimed = Q(state__in=[EmailState.WAITING, EmailState.FAILED])
        changed = Email.objects.filter(Q(claim=email.claim) | unclaimed, pk=email.pk).update(
            state=EmailState.SENT,
            sent_at=now,
            failed_at=None,
            error="",
            claim=None,
            lease_until=None,
            provider_id=email.provider_id,
        )
        return bool(changed)
    return _return_to_queue(email, error, now)


def _return_to_queue(email: Email, error: SendError, now: datetime, *, rested: bool = False) -> bool:
    """Let a mail rest before its next try, or say that it has failed when there is none."""
    mine = Email.objects.filter(pk=email.pk, claim=email.claim)
    free = {"claim": None, "lease_until": None, "trouble": error.words}
    if error.is_final or email.attempts > len(RETRY_DELAYS):
        return bool(mine.update(state=EmailState.FAILED, failed_at=now, **free))
    rest = timedelta() if rested else RETRY_DELAYS[email.attempts - 1]
    return bool(mine.update(state=EmailState.WAITING, send_after=now + rest, **free))


def sweep_emails(*, now: datetime | None = None) -> int:
    """Take mails back from workers that went away, and nudge what is due. Returns how many were nudged."""
    now = now or timezone.now()
    gone = SendError(words="The worker that was sending it went away.")
    for email in Email.objects.filter(state=EmailState.SENDING, lease_until__lte=now):
        _return_to_queue(email, gone, now, rested=True)
    due = list(_list_due_ids(now)[:MAX_CONCURRENT_SENDS])
    for email_id in due:
        nudge.send(email_id)
    return len(due)


def _list_due_ids(now: datetime) -> QuerySet[Email, UUID]:
    waiting = Email.objects.filter(state=EmailState.WAITING, send_after__lte=now)
    return waiting.order_by("send_after").values_list("pk", flat=True)
