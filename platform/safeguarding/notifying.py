"""Tells people on call that an incident waits: by email and, if the site has one, by a webhook. Never what was written.

Celery tasks call these. If worker or broker is down, the sweep does it later: the incident itself is in the database.
"""

import hashlib
import hmac
import json
import logging
from datetime import timedelta
from http.client import HTTPException
from urllib.request import Request
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Person
from guard import Level
from kit.connections import release_connection
from kit.outgoing import open_without_redirects
from kit.site import build_absolute_url
from mail.services import queue_email
from safeguarding.human_review import find_human_review
from safeguarding.incidents import add_entry
from safeguarding.models import MAX_NOTE_LENGTH, EntryKind, Incident
from safeguarding.on_call import list_on_call, list_reviewers

logger = logging.getLogger(__name__)

MAX_ESCALATIONS = 3
WEBHOOK_SECONDS = 5
# A webhook that failed is tried again by the sweep for this long.
WEBHOOK_RETRIED_FOR = timedelta(hours=6)
MAX_WEBHOOKS_A_SWEEP = 20


@transaction.atomic
def notify_on_call(*, incident_id: UUID) -> bool:
    """Email the people on call about an incident, once. Returns False if they were told, or the incident is closed.

    If no one is on call, that is an entry of the history, and everyone who may review is told. At S the responsible
    person is told in any case.
    """
    incident = Incident.objects.select_for_update(no_key=True).get(pk=incident_id)
    if incident.notified_at or not incident.is_open:
        return False
    people = list_on_call()
    incident.notified_at = timezone.now()
    incident.save(update_fields=["notified_at"])
    if people:
        names = ", ".join(map(str, people))[:MAX_NOTE_LENGTH]
        add_entry(incident, EntryKind.NOTIFIED, note=names, level=incident.level)
    else:
        add_entry(incident, EntryKind.UNATTENDED, level=incident.level)
        people = list_reviewers()
    if incident.level == Level.UNSAFE_HOME or incident.alerts_frozen_at:
        people = _add_responsible(people)
    _email(incident, people, occasion=f"{incident.notified_at.timestamp():.0f}")
    return True


def _add_responsible(people: list[Person]) -> list[Person]:
    review = find_human_review()
    lead = review.responsible if review else None
    return people if lead is None or lead in people else [*people, lead]


@transaction.atomic
def notify_responsible(incident: Incident) -> None:
    """Email the responsible person about an incident, in the caller's transaction."""
    review = find_human_review()
    if review and review.responsible:
        _email(incident, [review.responsible], occasion=f"responsible {timezone.now().timestamp():.0f}")


def escalate_unclaimed() -> int:
    """Tell the responsible person, and everyone who may review, of incidents that no one has claimed in time.

    It repeats MAX_ESCALATIONS times. Returns how many were escalated.
    """
    review = find_human_review()
    if review is None:
        return 0
    wait = timedelta(minutes=review.escalate_after_minutes)
    waiting = Incident.objects.filter(closed_at=None, claimed_by=None, escalations__lt=MAX_ESCALATIONS)
    due = waiting.filter(opened_at__lt=timezone.now() - wait)
    return sum(_escalate(incident_id, wait) for incident_id in due.values_list("pk", flat=True))


@transaction.atomic
def _escalate(incident_id: UUID, wait: timedelta) -> bool:
    incident = Incident.objects.select_for_update(no_key=True).get(pk=incident_id)
    now = timezone.now()
    is_early = incident.escalated_at is not None and now - incident.escalated_at < wait
    if incident.claimed_by_id or not incident.is_open or is_early:
        return False
    incident.escalated_at, incident.escalations = now, incident.escalations + 1
    incident.save(update_fields=["escalated_at", "escalations"])
    add_entry(incident, EntryKind.ESCALATED, level=incident.level)
    people = _add_responsible(list_reviewers())
    _email(incident, people, occasion=f"escalation {now.timestamp():.0f}")
    return True


def send_webhook(*, incident_id: UUID) -> bool:
    """Post an incident's id, level and time to REVIEW_WEBHOOK_URL, signed. Returns whether it was received.

    The signature is that of the body with REVIEW_WEBHOOK_SECRET: the header X-Signature is "sha256=" and the HMAC's
    hexadecimal digits. Nothing is posted without an address, or for an incident that was posted before. If two
    processes try at once, it is posted twice.
    """
    incident = Incident.objects.get(pk=incident_id)
    if not settings.REVIEW_WEBHOOK_URL or incident.webhook_sent_at:
        return False
    body = json.dumps(
        {
            "incident": str(incident.pk),
            "level": incident.level,
            "opened_at": incident.opened_at.isoformat(),
            "is_drill": incident.is_drill,
            "url": build_absolute_url(_build_path(incident)),
        }
    ).encode()
    signature = hmac.new(settings.REVIEW_WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Signature": f"sha256={signature}"}
    request = Request(settings.REVIEW_WEBHOOK_URL, data=body, headers=headers, method="POST")  # noqa: S310 - the address is from our settings
    release_connection()
    try:
        with open_without_redirects(request, timeout=WEBHOOK_SECONDS):
            pass
    except (OSError, HTTPException) as error:
        logger.warning("The webhook of human review failed: %s", type(error).__name__)
        return False
    Incident.objects.filter(pk=incident.pk).update(webhook_sent_at=timezone.now())
    return True


def sweep_incidents() -> int:
    """Tell people of incidents whose notification was lost, and escalate. Returns how many were told or escalated."""
    untold = Incident.objects.filter(closed_at=None, notified_at=None).values_list("pk", flat=True)
    told = sum(notify_on_call(incident_id=incident_id) for incident_id in untold)
    if settings.REVIEW_WEBHOOK_URL:
        since = timezone.now() - WEBHOOK_RETRIED_FOR
        unsent = Incident.objects.filter(closed_at=None, webhook_sent_at=None, last_message_at__gt=since)
        newest = unsent.order_by("-last_message_at").values_list("pk", flat=True)[:MAX_WEBHOOKS_A_SWEEP]
        # The next sweep tries again: one that fails now may take its whole time for each.
        all(send_webhook(incident_id=incident_id) for incident_id in newest)
    return told + escalate_unclaimed()


def _email(incident: Incident, people: list[Person], *, occasion: str) -> None:
    """Email people that an incident waits, in their transaction. Nothing in it says whose, or what was written."""
    subject = _("A crisis at level %(level)s is waiting for a reviewer") % {"level": incident.level}
    if incident.is_drill:
        subject = _("Drill: %(subject)s") % {"subject": subject}
    text = _("Open it, claim it, and read only what you need:")
    for person in people:
        if person.email:
            queue_email(
                key=f"safeguarding.incident:{incident.pk}:{person.pk}:{occasion}",
                to=person.email,
                subject=subject,
                text=f"{text}\n\n{build_absolute_url(_build_path(incident))}\n",
            )


def _build_path(incident: Incident) -> str:
    return reverse("review:incident", args=[incident.pk])
