"""Whether the tutor is open to somebody now, and if not, why and until when."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.utils import timezone

from accounts.models import Person, Role
from families.consents import consent_of
from families.models import Link
from families.quiet import quiet_until
from families.terms import Terms, combined


class Closed(StrEnum):
    CONSENT = "consent"
    PAUSED = "paused"
    QUIET = "quiet"


@dataclass(frozen=True)
class Gate:
    """`closed` says why the tutor is closed, and is None when it is open.

    `until`, and the `zone` on whose clock that is, are known for quiet hours alone.
    """

    closed: Closed | None = None
    until: datetime | None = None
    zone: ZoneInfo | None = None
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
    quiet = quiet_until([hours for link in links for hours in link.quiet_hours], now=now)
    if quiet:
        return Gate(Closed.QUIET, until=quiet.at, zone=quiet.zone, terms=terms, is_watched=True)
    return Gate(terms=terms, is_watched=bool(links))
