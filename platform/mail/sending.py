"""What workers do with emails: claim one, send it, record the outcome, and sweep.

A claim is a lease. If a worker dies after the server's 250 and before our commit, the email is sent again when the
lease expires. Its Message-ID is the same, so an email client can show it once.
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
from mail.messages import build_outgoing_message
from mail.models import Email, EmailState
from mail.send_errors import SendError, classify_error

logger = logging.getLogger(__name__)

# Sending takes at most a dozen steps, each limited to ten seconds by `settings.MAILERS`.
LEASE = timedelta(minutes=3)
# A mail server that hangs blocks at most this many worker threads. The others stay free for the tutor.
MAX_CONCURRENT_SENDS = 4
# The delay after each failed attempt. After the last one the email has failed.
RETRY_DELAYS = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
)
# How long to keep trying to record an outcome while the database is unavailable.
RECORD_SECONDS = 30.0
# The id of our PostgreSQL advisory lock: any number that is unique on this site.
CLAIMS_LOCK = 0x6D61696C


def send_email(*, email_id: UUID) -> bool:
    """Send an email that is due. Return False if it was not: claimed elsewhere, done, delayed or deleted."""
    email = claim_email(email_id=email_id)
    if email is None:
        return False
    error = _submit(email)
    if error:
        logger.warning("Mail %s was not sent at try %d.", email.pk, email.attempts)
    _record_outcome(email, error)
    # After a temporary error the server may be down, so leave the others to the sweep, a few at a time.
    if error is None or error.is_final:
        # Pick at random, so that workers that finish together do not all choose the same one.
        waiting = list(_list_due_ids(timezone.now())[:MAX_CONCURRENT_SENDS])
        if waiting:
            nudge.send(secrets.choice(waiting))
    return True


@transaction.atomic
def claim_email(*, email_id: UUID) -> Email | None:
    """Claim an email that is due. Return None if it is not, or if MAX_CONCURRENT_SENDS are being sent."""
    acquire_numbered_lock(CLAIMS_LOCK)
    now = timezone.now()
    if Email.objects.filter(state=EmailState.SENDING, lease_until__gt=now).count() >= MAX_CONCURRENT_SENDS:
        return None
    claimed = Email.objects.filter(pk=email_id, state=EmailState.WAITING, send_after__lte=now).update(
        state=EmailState.SENDING, claim=uuid4(), lease_until=now + LEASE, attempts=F("attempts") + 1
    )
    return Email.objects.prefetch_related("attachments").get(pk=email_id) if claimed else None


def _submit(email: Email) -> SendError | None:
    """Send the email, outside any transaction and without holding a database connection."""
    release_connection()
    try:
        message = build_outgoing_message(email)
        message.send(using="default")
        provider_id = getattr(message, "anymail_status", AnymailStatus()).message_id
        email.provider_id = "" if provider_id is None else str(provider_id)
    except Exception as error:
        send_error = classify_error(error)
        if send_error is None:
            logger.exception("Email %s was not sent because of a bug of our own.", email.pk)
        return send_error or SendError(message=type(error).__name__)
    return None


def _record_outcome(email: Email, error: SendError | None) -> None:
    """Record an attempt's outcome. Retry for RECORD_SECONDS while the database is unavailable, then raise."""
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
    """End an attempt: sent, failed, or waiting for the next. Return False if the claim was lost."""
    now = timezone.now()
    if error is None:
        # The sweep may have requeued it meanwhile. Mark it sent anyway, unless another attempt has started.
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
    """Schedule the next attempt, or mark the email as failed after the last."""
    claimed = Email.objects.filter(pk=email.pk, claim=email.claim)
    free = {"claim": None, "lease_until": None, "error": error.message}
    if error.is_final or email.attempts > len(RETRY_DELAYS):
        return bool(claimed.update(state=EmailState.FAILED, failed_at=now, **free))
    rest = timedelta() if rested else RETRY_DELAYS[email.attempts - 1]
    return bool(claimed.update(state=EmailState.WAITING, send_after=now + rest, **free))


def sweep_emails(*, now: datetime | None = None) -> int:
    """Requeue emails whose worker's lease has expired, and nudge those that are due. Return how many were nudged."""
    now = now or timezone.now()
    lost = SendError(message="The worker that was sending it went away.")
    for email in Email.objects.filter(state=EmailState.SENDING, lease_until__lte=now):
        _return_to_queue(email, lost, now, rested=True)
    due = list(_list_due_ids(now)[:MAX_CONCURRENT_SENDS])
    for email_id in due:
        nudge.send(email_id)
    return len(due)


def _list_due_ids(now: datetime) -> QuerySet[Email, UUID]:
    waiting = Email.objects.filter(state=EmailState.WAITING, send_after__lte=now)
    return waiting.order_by("send_after").values_list("pk", flat=True)
