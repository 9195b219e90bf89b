"""What reviewers do with an incident: look, claim, note, pass on, close. Each leaves an entry in its history.

Two people cannot collide: an incident has one claimant, and only they act on it. Every look is stored before anything
is shown, and the teen's own log reads the same entries.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from safeguarding.context import ContextLine, read_context
from safeguarding.counts import add_to_count
from safeguarding.human_review import find_human_review
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
    """A look at more than the excerpt needs a reason, which the teen reads."""


def lock_incident(incident_id: UUID) -> Incident:
    """Return the incident, locked. Raises Incident.DoesNotExist. Must run in a transaction."""
    return Incident.objects.select_for_update(no_key=True).get(pk=incident_id)


def lock_claimed(incident_id: UUID, by: Person) -> Incident:
    """Return the open incident that `by` has claimed, locked. Raises NotClaimed or IncidentClosed."""
    incident = lock_incident(incident_id)
    if not incident.is_open:
        raise IncidentClosed
    if incident.claimed_by_id != by.pk:
        raise NotClaimed
    return incident


@transaction.atomic
def look_at_excerpts(*, incident_id: UUID, by: Person) -> list[IncidentMessage]:
    """Store that `by` reads the excerpts now, and return the messages. The teen sees the entry at once."""
    incident = lock_incident(incident_id)
    _log_look(incident, EntryKind.LOOKED_AT_EXCERPT, by)
    return list(incident.messages.all())


@transaction.atomic
def look_at_context(*, incident_id: UUID, by: Person, reason: str) -> list[ContextLine]:
    """Store that `by` reads the messages around the excerpts, and why, and return them.

    Raises ReasonMissing, NotClaimed or IncidentClosed.
    """
    if not reason.strip():
        raise ReasonMissing
    incident = lock_claimed(incident_id, by)
    _log_look(incident, EntryKind.LOOKED_AT_CONTEXT, by, reason.strip())
    return read_context([message.turn_id for message in incident.messages.all() if message.turn_id])


def _log_look(incident: Incident, kind: EntryKind, by: Person, reason: str = "") -> None:
    add_entry(incident, kind, by=by, note=reason)
    if incident.first_look_at is None:
        incident.first_look_at = timezone.now()
        incident.save(update_fields=["first_look_at"])


@transaction.atomic
def claim_incident(*, incident_id: UUID, by: Person, takes_over: bool = False) -> Incident:
    """Claim an incident, or with `takes_over` take it from another reviewer. Claiming one's own again does nothing.

    Raises AlreadyClaimed or IncidentClosed.
    """
    incident = lock_incident(incident_id)
    if not incident.is_open:
        raise IncidentClosed
    if incident.claimed_by_id == by.pk:
        return incident
    if incident.claimed_by_id is not None and not takes_over:
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
    incident = lock_incident(incident_id)
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
    """Pass an incident to the responsible person, who is told, and release it. Raises NotClaimed or IncidentClosed."""
    incident = lock_claimed(incident_id, by)
    _unclaim(incident)
    add_entry(incident, EntryKind.HANDED_UP, by=by, note=note)
    notify_responsible(incident)
    return incident


@transaction.atomic
def close_incident(*, incident_id: UUID, by: Person, resolution: Resolution, note: str = "") -> Incident:
    """Close a claimed incident. A false alarm is counted. Raises NotClaimed or IncidentClosed."""
    incident = lock_claimed(incident_id, by)
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
    review = find_human_review()
    organization = review.organization if review else ""
    entries = IncidentEntry.objects.filter(incident__teen=person, kind__in=LOOK_KINDS).order_by("-at", "-pk")
    return [Look(entry, organization) for entry in entries.select_related("incident")]
