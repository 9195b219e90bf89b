"""What reviewers do with an incident: look, claim, note, pass on, close. Each leaves an entry in its history.

Two people cannot collide: an incident has one claimant, and only they act on it. Every look is stored before anything
is shown, and the teen's own log reads the same entries. Each function raises Incident.DoesNotExist or ForLeadOnly for a
person who may not open the incident (safeguarding.readers).
"""

from dataclasses import dataclass, replace
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from families.consents import find_review_consent_time
from safeguarding.context import ContextLine, read_context
from safeguarding.counts import add_to_count
from safeguarding.human_review import find_last_human_review
from safeguarding.incidents import add_entry
from safeguarding.models import (
    LOOK_KINDS,
    CountKind,
    EntryKind,
    Incident,
    IncidentEntry,
    IncidentMessage,
    Resolution,
)
from safeguarding.notifying import notify_responsible
from safeguarding.readers import is_for_lead, is_lead, require_reader


class AlreadyClaimed(Exception):
    """Another reviewer has claimed the incident."""

    def __init__(self, incident: Incident) -> None:
        super().__init__()
        self.incident = incident


class NotClaimed(Exception):
    """The incident must be claimed by the person first."""


class IncidentClosed(Exception):
    """The incident is closed."""


class ReasonMissing(Exception):
    """This look needs a reason, which the teen reads."""


class MessageArrived(Exception):
    """Another message has joined the incident since the page was shown."""


class NoLead(Exception):
    """There is no responsible person or deputy to pass an incident to."""


def lock_incident(incident_id: UUID) -> Incident:
    """Return the incident, locked. Raises Incident.DoesNotExist. Must run in a transaction."""
    return Incident.objects.select_for_update(no_key=True).get(pk=incident_id)


def get_incident(incident_id: UUID, *, by: Person) -> Incident:
    """Return an incident, without its words, to a person who may open it."""
    incident = Incident.objects.select_related("claimed_by", "teen").get(pk=incident_id)
    require_reader(incident, by)
    return incident


def lock_for_reader(incident_id: UUID, by: Person) -> Incident:
    """Return the incident, locked, to a person who may open it."""
    incident = lock_incident(incident_id)
    require_reader(incident, by)
    return incident


def lock_claimed(incident_id: UUID, by: Person) -> Incident:
    """Return the open incident that `by` has claimed, locked. Raises NotClaimed or IncidentClosed."""
    incident = lock_for_reader(incident_id, by)
    if not incident.is_open:
        raise IncidentClosed
    if incident.claimed_by_id != by.pk:
        raise NotClaimed
    return incident


def needs_reason(incident: Incident, by: Person) -> bool:
    """Return whether reading the excerpts needs a reason: it is closed, or another person's work."""
    return not incident.is_open or incident.claimed_by_id not in {None, by.pk}


@transaction.atomic
def look_at_excerpts(*, incident_id: UUID, by: Person, reason: str = "") -> list[IncidentMessage]:
    """Store that `by` reads the excerpts now, and return the messages. The teen sees the entry at once.

    At level 4, messages at S are without their words unless `by` is a lead.

    Raises ReasonMissing without a reason if the incident is closed or another person's.
    """
    incident = lock_for_reader(incident_id, by)
    if needs_reason(incident, by) and not reason.strip():
        raise ReasonMissing
    _log_look(incident, EntryKind.LOOKED_AT_EXCERPT, by, reason.strip())
    messages = list(incident.messages.all())
    reads_all = is_for_lead(incident.level) or is_lead(by)
    for message in messages:
        if is_for_lead(message.level) and not reads_all:
            message.excerpt, message.is_withheld = "", True
    return messages


@transaction.atomic
def look_at_context(*, incident_id: UUID, by: Person, reason: str) -> list[ContextLine]:
    """Store that `by` reads the messages around the excerpts, and why, and return them.

    Only messages since the consent to review, and none once it was withdrawn. The words of those about an unsafe home
    are left out unless `by` is a lead.

    Raises ReasonMissing, NotClaimed or IncidentClosed.
    """
    if not reason.strip():
        raise ReasonMissing
    incident = lock_claimed(incident_id, by)
    _log_look(incident, EntryKind.LOOKED_AT_CONTEXT, by, reason.strip())
    since = find_review_consent_time(incident.teen) if incident.teen else None
    if since is None:
        return []
    turn_ids = [message.turn_id for message in incident.messages.all() if message.turn_id]
    reads_all = is_lead(by)
    return [
        line if reads_all or not line.is_for_lead else replace(line, question="")
        for line in read_context(turn_ids, since=since)
    ]


def _log_look(incident: Incident, kind: EntryKind, by: Person, reason: str = "") -> None:
    add_entry(incident, kind, by=by, note=reason)
    if incident.first_look_at is None:
        incident.first_look_at = timezone.now()
        incident.save(update_fields=["first_look_at"])


@transaction.atomic
def claim_incident(
    *, incident_id: UUID, by: Person, takes_over: bool = False, takes_over_from: int | None = None
) -> Incident:
    """Claim an incident, or with `takes_over` take it from another reviewer. Claiming one's own again does nothing.

    `takes_over_from` is the id of the person whom the page named: it is not taken from anyone else. Raises
    AlreadyClaimed or IncidentClosed.
    """
    incident = lock_for_reader(incident_id, by)
    if not incident.is_open:
        raise IncidentClosed
    if incident.claimed_by_id == by.pk:
        return incident
    is_as_shown = takes_over and takes_over_from in {None, incident.claimed_by_id}
    if incident.claimed_by_id is not None and not is_as_shown:
        raise AlreadyClaimed(incident)
    kind = EntryKind.TAKEN_OVER if incident.claimed_by_id else EntryKind.CLAIMED
    incident.claimed_by, incident.claimed_at = by, timezone.now()
    incident.save(update_fields=["claimed_by", "claimed_at"])
    add_entry(incident, kind, by=by)
    return incident


@transaction.atomic
def release_incident(*, incident_id: UUID, by: Person, note: str = "") -> Incident:
    """Give a claimed incident back to the queue. Raises NotClaimed or IncidentClosed."""
    incident = lock_claimed(incident_id, by)
    _unclaim(incident)
    add_entry(incident, EntryKind.RELEASED, by=by, note=note)
    return incident


@transaction.atomic
def skip_incident(*, incident_id: UUID, by: Person, note: str = "") -> Incident:
    """Say that `by` won't take an incident, for instance because they know the family. It stays in the queue.

    Raises IncidentClosed.
    """
    incident = lock_for_reader(incident_id, by)
    if not incident.is_open:
        raise IncidentClosed
    if incident.claimed_by_id == by.pk:
        _unclaim(incident)
    add_entry(incident, EntryKind.SKIPPED, by=by, note=note)
    return incident


@transaction.atomic
def add_note(*, incident_id: UUID, by: Person, note: str) -> IncidentEntry:
    """Add a note of what was done. Raises NotClaimed or IncidentClosed."""
    return add_entry(lock_claimed(incident_id, by), EntryKind.NOTED, by=by, note=note)


@transaction.atomic
def hand_up_incident(*, incident_id: UUID, by: Person, note: str = "") -> Incident:
    """Pass an incident to the responsible person, who is told, or without one to the deputies, and release it.

    Raises NoLead if there is no one else, NotClaimed or IncidentClosed.
    """
    incident = lock_claimed(incident_id, by)
    _unclaim(incident)
    add_entry(incident, EntryKind.HANDED_UP, by=by, note=note)
    if not notify_responsible(incident, by=by):
        raise NoLead
    return incident


@transaction.atomic
def close_incident(
    *,
    incident_id: UUID,
    by: Person,
    resolution: Resolution,
    note: str = "",
    shown_messages: int | None = None,
) -> Incident:
    """Close a claimed incident. A false alarm is counted.

    `shown_messages` is how many messages the page had: with another one since, it stays open. Raises MessageArrived,
    NotClaimed or IncidentClosed.
    """
    incident = lock_claimed(incident_id, by)
    if shown_messages is not None and incident.messages.count() > shown_messages:
        raise MessageArrived
    incident.closed_at, incident.resolution = timezone.now(), resolution
    incident.save(update_fields=["closed_at", "resolution"])
    is_false = resolution == Resolution.FALSE_ALARM
    add_entry(incident, EntryKind.FALSE_ALARM if is_false else EntryKind.RESOLVED, by=by, note=note)
    if is_false and not incident.is_drill:
        add_to_count(CountKind.FALSE_ALARM, level=incident.level)
    return incident


def _unclaim(incident: Incident) -> None:
    incident.claimed_by = incident.claimed_at = None
    incident.save(update_fields=["claimed_by", "claimed_at"])


@dataclass(frozen=True)
class Look:
    """One look at a teen's words, as the teen reads it."""

    entry: IncidentEntry
    organization: str


def list_looks(person: Person) -> list[Look]:
    """Return every look of a reviewer at this person's words, newest first. Drills have no words."""
    review = find_last_human_review()
    organization = review.organization if review else ""
    entries = IncidentEntry.objects.filter(incident__teen=person, kind__in=LOOK_KINDS).order_by("-at", "-pk")
    return [Look(entry, organization) for entry in entries.select_related("incident")]
