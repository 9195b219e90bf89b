"""Whether the tutor is open to somebody now, and if not, why and until when."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from django.utils import timezone

from accounts.models import Person, Role
from families.consents import consent_of
from families.models import Link
from families.terms import Terms, combined, quiet_until


class Closed(StrEnum):
    CONSENT = "consent"
    PAUSED = "paused"
    QUIET = "quiet"


@dataclass(frozen=True)
class Gate:
    """`closed` says why the tutor is closed, and is None when it is open. `until` is known for quiet hours alone."""

    closed: Closed | None = None
    until: datetime | None = None
    paused_by: Person | None = None
    terms: Terms = field(default_factory=Terms)
    is_watched: bool = False


def gate_of(person: Person, *, now: datetime | None = None) -> Gate:
    """Grown-ups find it open. A teen needs a consent that stands, no pause of a parent, and no quiet hours."""
    if person.role != Role.TEEN:
        return Gate()
    now = now or timezone.now()
    links = list(Link.objects.filter(teen=person, ended_at=None).select_related("parent"))
    agreed = [link.terms for link in links]
    terms = combined(agreed)
    if consent_of(person) is None:
        return Gate(Closed.CONSENT, terms=terms, is_watched=bool(links))
    paused = next((link for link in links if link.paused_at), None)
    if paused:
        return Gate(Closed.PAUSED, paused_by=paused.parent, terms=terms, is_watched=True)
    until = quiet_until(agreed, now=now, zone=person.zone)
    if until:
        return Gate(Closed.QUIET, until=until, terms=terms, is_watched=True)
    return Gate(terms=terms, is_watched=bool(links))
