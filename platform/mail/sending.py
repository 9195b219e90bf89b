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

from kit.connections import give_back, lock_number
from mail import nudge
from mail.letters import letter
from mail.models import Mail, State
from mail.troubles import Trouble, trouble_of

logger = logging.getLogger(__name__)

# One mail is a dozen steps at the most, each within the ten seconds of `settings.MAILERS`.
LEASE = timedelta(minutes=3)
# A mail server that hangs takes this many of the workers' threads, and leaves the others to the tutor.
MOST_AT_ONCE = 4
# How long a mail rests after each try that came to nothing. After the last it has failed.
RESTS = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
)
# How long a mail that was sent waits to say so, for a database that is away.
FINISH_SECONDS = 30.0
# The name of our lock, of PostgreSQL's advisory ones: any number that nobody else uses.
CLAIMS_LOCK = 0x6D61696C


def mail_send(*, mail_id: UUID) -> bool:
    """Send a mail that is due. False when there is nothing to do: it is another's, over, resting, or gone."""
    mail = mail_claim(mail_id=mail_id)
    if mail is None:
        return False
    trouble = _hand_over(mail)
    if trouble:
        logger.warning("Mail %s was not sent at try %d.", mail.pk, mail.tries)
    _finish(mail, trouble)
    # After a fault that may be the server's the others wait for the sweeper, a few at a time.
    if trouble is None or trouble.is_final:
        # Any of the first few: workers that end at the same moment must not all choose the same one.
        waiting = list(_due(timezone.now())[:MOST_AT_ONCE])
        if waiting:
            nudge.send(secrets.choice(waiting))
    return True


@transaction.atomic
def mail_claim(*, mail_id: UUID) -> Mail | None:
    """Take a mail that is due for this worker. None when it is not, or when enough are being sent already."""
    lock_number(CLAIMS_LOCK)
    now = timezone.now()
    if Mail.objects.filter(state=State.SENDING, lease_until__gt=now).count() >= MOST_AT_ONCE:
        return None
    claimed = Mail.objects.filter(pk=mail_id, state=State.WAITING, send_after__lte=now).update(
        state=State.SENDING, claim=uuid4(), lease_until=now + LEASE, tries=F("tries") + 1
    )
    return Mail.objects.prefetch_related("attachments").get(pk=mail_id) if claimed else None


def _hand_over(mail: Mail) -> Trouble | None:
    """Give the mail to the server, outside of any transaction and without a connection of the pool."""
    give_back()
    try:
        message = letter(mail)
        message.send(using="default")
        told = getattr(message, "anymail_status", AnymailStatus()).message_id
        mail.provider_id = "" if told is None else str(told)
    except Exception as fault:
        trouble = trouble_of(fault)
        if trouble is None:
            logger.exception("Mail %s met a fault of our own.", mail.pk)
        return trouble or Trouble(words=type(fault).__name__)
    return None


def _finish(mail: Mail, trouble: Trouble | None) -> None:
    """Write down what became of a mail, waiting for a database that is away for a while."""
    give_up_at = time.monotonic() + FINISH_SECONDS
    while True:
        try:
            mail_finish(mail=mail, trouble=trouble)
        except DatabaseError:
            if time.monotonic() > give_up_at:
                raise
            logger.warning("The database is away: the outcome of mail %s waits.", mail.pk)
            connection.close()
            time.sleep(0.5)
        else:
            return


def mail_finish(*, mail: Mail, trouble: Trouble | None) -> bool:
    """End a try: sent, failed, or waiting for the next. False when the claim was lost and nothing was changed."""
    now = timezone.now()
    if trouble is None:
        # The sweeper may have taken it back in the meantime. Sent is sent, while nobody else has begun.
        nobodys = Q(state__in=[State.WAITING, State.FAILED])
        changed = Mail.objects.filter(Q(claim=mail.claim) | nobodys, pk=mail.pk).update(
            state=State.SENT,
            sent_at=now,
            failed_at=None,
            trouble="",
            claim=None,
            lease_until=None,
            provider_id=mail.provider_id,
        )
        return bool(changed)
    return _give_back(mail, trouble, now)


def _give_back(mail: Mail, trouble: Trouble, now: datetime, *, rested: bool = False) -> bool:
    """Let a mail rest before its next try, or say that it has failed when there is none."""
    mine = Mail.objects.filter(pk=mail.pk, claim=mail.claim)
    free = {"claim": None, "lease_until": None, "trouble": trouble.words}
    if trouble.is_final or mail.tries > len(RESTS):
        return bool(mine.update(state=State.FAILED, failed_at=now, **free))
    rest = timedelta() if rested else RESTS[mail.tries - 1]
    return bool(mine.update(state=State.WAITING, send_after=now + rest, **free))


def mails_sweep(*, now: datetime | None = None) -> int:
    """Take mails back from workers that went away, and nudge what is due. Returns how many were nudged."""
    now = now or timezone.now()
    gone = Trouble(words="The worker that was sending it went away.")
    for mail in Mail.objects.filter(state=State.SENDING, lease_until__lte=now):
        _give_back(mail, gone, now, rested=True)
    due = list(_due(now)[:MOST_AT_ONCE])
    for mail_id in due:
        nudge.send(mail_id)
    return len(due)


def _due(now: datetime) -> QuerySet[Mail, UUID]:
    waiting = Mail.objects.filter(state=State.WAITING, send_after__lte=now)
    return waiting.order_by("send_after").values_list("pk", flat=True)
