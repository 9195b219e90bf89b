"""Tells people on call that an incident is waiting, never what was written: by email and, if set up, by a webhook.

Celery tasks call these. If worker or broker is down, the sweep does it later: the incident itself is in the database.
"""

import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from http.client import HTTPException
from urllib.request import Request
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import Person
from kit.connections import release_connection
from kit.outgoing import open_without_redirects
from kit.site import build_absolute_url
from mail.services import queue_email
from safeguarding.human_review import find_last_human_review
from safeguarding.incidents import add_entry
from safeguarding.models import MAX_NOTE_LENGTH, EntryKind, Incident
from safeguarding.on_call import can_review, list_on_call, list_review_admins
from safeguarding.readers import (
    ForLeadOnly,
    Readers,
    find_readers,
    is_for_lead,
    list_family_ids,
    list_leads,
    require_reader,
)

logger = logging.getLogger(__name__)

MAX_ESCALATIONS = 3
WEBHOOK_SECONDS = 5
# A webhook that failed is tried again by the sweep for this long.
WEBHOOK_RETRIED_FOR = timedelta(hours=6)
MAX_WEBHOOKS_A_SWEEP = 20
# A claim with which nothing was done for this long is given back.
CLAIM_LAPSES_AFTER = timedelta(days=1)

# Subject, text, and the path of its link.
type Message = tuple[str, str, str]


@transaction.atomic
def notify_on_call(*, incident_id: UUID) -> bool:
    """Email the people on call about an incident, once. Returns False if they were told, or the incident is closed.

    Only those who may open it: at S the responsible person and the deputies, all of them. If none of them is on call,
    that is an entry of the history, and everyone who may open it is told. So is the person who has claimed it.
    """
    incident = Incident.objects.select_for_update(no_key=True).get(pk=incident_id)
    if incident.notified_at or not incident.is_open:
        return False
    found = find_readers(incident)
    on_call = [person for person in list_on_call() if person in found.readers]
    incident.notified_at = timezone.now()
    incident.save(update_fields=["notified_at"])
    if on_call:
        names = ", ".join(map(str, on_call))[:MAX_NOTE_LENGTH]
        add_entry(incident, EntryKind.NOTIFIED, note=names, level=incident.level)
    else:
        add_entry(incident, EntryKind.UNATTENDED, level=incident.level)
    told = found.readers if is_for_lead(incident.level) or not on_call else on_call
    if incident.claimed_by in found.readers and incident.claimed_by not in told:
        told = [*told, incident.claimed_by]
    occasion = f"{incident.notified_at.timestamp():.0f}"
    _email(incident, told, _write_waiting, occasion=occasion)
    if not found.readers:
        _tell_others(incident, found, occasion=occasion)
    return True


def _tell_others(incident: Incident, found: Readers, *, occasion: str) -> None:
    """Tell those who may not open it whom it waits for. If that is no one, tell those who can change that, too."""
    people = found.others
    if not found.readers:
        family = list_family_ids(incident.teen_id) if incident.teen_id else set()
        review_admins = [person for person in list_review_admins() if person.pk not in family]
        people = [*people, *(person for person in review_admins if person not in people)]
    names = ", ".join(map(str, found.readers))
    _email(incident, people, partial(_write_waiting_for_others, names), occasion=f"others {occasion}")


@transaction.atomic
def notify_responsible(incident: Incident, *, by: Person) -> list[Person]:
    """Email the responsible person about an incident that `by` passes on, or the deputies, in the caller's transaction.

    Returns the people who were told.
    """
    leads = [person for person in list_leads() if person != by and person in find_readers(incident).readers]
    told = leads[:1] if leads and leads[0].pk == _get_responsible_id() else leads
    _email(incident, told, _write_waiting, occasion=f"responsible {timezone.now().timestamp():.0f}")
    return told


def _get_responsible_id() -> int | None:
    record = find_last_human_review()
    return record.responsible_id if record else None


@transaction.atomic
def notify_claimant(incident: Incident) -> None:
    """Email the person who has claimed an incident that its teen has answered, in the caller's transaction."""
    if incident.claimed_by:
        _email(
            incident,
            [incident.claimed_by],
            _write_answered,
            occasion=f"answer {timezone.now().timestamp():.0f}",
        )


def escalate_unclaimed() -> int:
    """Tell everyone who may open them of incidents that no one claimed in time, even after review was switched off.

    At S, the other reviewers are told whom it waits for, so that they can call them. It repeats MAX_ESCALATIONS times.
    Returns how many were escalated.
    """
    review = find_last_human_review()
    if review is None:
        return 0
    wait = timedelta(minutes=review.escalate_after_minutes)
    waiting = Incident.objects.filter(closed_at=None, claimed_by=None, escalations__lt=MAX_ESCALATIONS)
    due = waiting.filter(opened_at__lt=timezone.now() - wait)
    return sum(_try(_escalate, incident_id, wait) for incident_id in list(due.values_list("pk", flat=True)))


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
    found, occasion = find_readers(incident), f"escalation {now.timestamp():.0f}"
    _email(incident, found.readers, _write_unclaimed, occasion=occasion)
    if is_for_lead(incident.level):
        _tell_others(incident, found, occasion=occasion)
    return True


def release_lapsed_claims() -> int:
    """Give back incidents whose claimant is gone, may no longer open them, or did nothing for CLAIM_LAPSES_AFTER.

    They are told of and escalated like new ones. Returns how many were given back.
    """
    claimed = Incident.objects.filter(closed_at=None, claimed_at__isnull=False)
    return sum(_try(_release_if_lapsed, key) for key in list(claimed.values_list("pk", flat=True)))


@transaction.atomic
def _release_if_lapsed(incident_id: UUID) -> bool:
    incident = Incident.objects.select_for_update(no_key=True).get(pk=incident_id)
    if not incident.is_open or incident.claimed_at is None or not _has_lapsed(incident):
        return False
    incident.claimed_by = incident.claimed_at = None
    incident.notified_at = incident.webhook_sent_at = incident.escalated_at = None
    incident.escalations = 0
    incident.save()
    add_entry(incident, EntryKind.LAPSED, level=incident.level)
    return True


def _has_lapsed(incident: Incident) -> bool:
    claimant = incident.claimed_by
    if claimant is None or not can_review(claimant):
        return True
    try:
        require_reader(incident, claimant)
    except (Incident.DoesNotExist, ForLeadOnly):
        return True
    acts = incident.entries.filter(by_id_number=claimant.pk, at__gt=timezone.now() - CLAIM_LAPSES_AFTER)
    return not acts.exists()


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
    """Tell people of incidents whose notification was lost, give back lapsed claims, and escalate.

    Returns how many were told of or escalated. One that fails does not keep people from being told of the others.
    """
    release_lapsed_claims()
    untold = Incident.objects.filter(closed_at=None, notified_at=None).values_list("pk", flat=True)
    told = sum(_try(_notify_by_id, incident_id) for incident_id in list(untold))
    if settings.REVIEW_WEBHOOK_URL:
        since = timezone.now() - WEBHOOK_RETRIED_FOR
        unsent = Incident.objects.filter(closed_at=None, webhook_sent_at=None, last_message_at__gt=since)
        newest = unsent.order_by("-last_message_at").values_list("pk", flat=True)[:MAX_WEBHOOKS_A_SWEEP]
        # Stop at the first failure: each could take the whole timeout. The next sweep tries again.
        all(send_webhook(incident_id=incident_id) for incident_id in newest)
    return told + escalate_unclaimed()


def _notify_by_id(incident_id: UUID) -> bool:
    return notify_on_call(incident_id=incident_id)


def _try[**P](act: Callable[P, bool], *args: P.args, **kwargs: P.kwargs) -> bool:
    """Do one incident's part of a sweep. An error is logged, and the next sweep tries it again."""
    try:
        return act(*args, **kwargs)
    except OperationalError:
        # The database is down, so the others would fail too.
        raise
    except Exception:
        logger.exception("An incident could not be swept.")
        return False


def _write_waiting(incident: Incident) -> Message:
    subject = _("A crisis at level %(level)s is waiting for a reviewer") % {"level": incident.level}
    return subject, _("Open it, claim it, and read only what you need:"), _build_path(incident)


def _write_unclaimed(incident: Incident) -> Message:
    subject = _("No one has claimed it yet: a crisis at level %(level)s") % {"level": incident.level}
    return subject, _("Open it, claim it, and read only what you need:"), _build_path(incident)


def _write_answered(incident: Incident) -> Message:
    subject = _("There’s an answer about the crisis at level %(level)s that you claimed") % {
        "level": incident.level
    }
    return subject, _("Open it to see what may be done now:"), _build_path(incident)


def _write_waiting_for_others(names: str, incident: Incident) -> Message:
    level = {"level": incident.level}
    if names:
        subject = _("A crisis at level %(level)s is waiting, but you may not open it") % level
        text = _("It’s waiting for %(names)s. If you can reach one of them, please call. The list:") % {
            "names": names
        }
        return subject, text, reverse("review:queue")
    subject = _("A crisis at level %(level)s is waiting, and no one can open it") % level
    text = _(
        "At this level, only the responsible person and the deputies may open it. Record someone who can:"
    )
    return subject, text, reverse("review:switch")


def _email(
    incident: Incident, people: list[Person], write: Callable[[Incident], Message], *, occasion: str
) -> None:
    """Email people about an incident, in their languages, without a teen's name or words, in one transaction."""
    for person in people:
        if not person.email:
            continue
        try:
            with translation.override(person.language):
                subject, text, path = write(incident)
                if incident.is_drill:
                    subject = _("Drill: %(subject)s") % {"subject": subject}
                queue_email(
                    key=f"safeguarding.incident:{incident.pk}:{person.pk}:{occasion}",
                    to=person.email,
                    subject=subject,
                    text=f"{text}\n\n{build_absolute_url(path)}\n",
                )
        except ValueError:
            # An address that cannot be written to must not keep the others from being told.
            logger.exception("A reviewer could not be told: the address of person %s is unusable.", person.pk)


def _build_path(incident: Incident) -> str:
    return reverse("review:incident", args=[incident.pk])
