"""Whether the tutor is open to a person now, and if not, why and until when."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone

from accounts.models import Person, Role
from families.consents import list_consents_in_force
from families.cooling_off import has_turned_18
from families.models import CoolingOff
from families.quiet_hours import find_quiet_end
from families.selectors import list_active_links
from families.terms import Terms, combine_terms


class ClosedReason(StrEnum):
    """Why the tutor is closed."""

    COOLING_OFF = "cooling-off"
    CONSENT = "consent"
    PAUSED = "paused"
    QUIET = "quiet"


@dataclass(frozen=True)
class TutorGate:
    """Whether the tutor is open: `closed_reason` is None if it is.

    `until` is set if the tutor opens by itself, and `zone` is the clock for quiet hours. Without `has_consent` nothing
    a teen writes is stored, regardless of what else closes the tutor. `has_parent` tells whether a parent is linked.
    """

    closed_reason: ClosedReason | None = None
    until: datetime | None = None
    zone: ZoneInfo | None = None
    has_consent: bool = True
    paused_by: Person | None = None
    # Those of all agreements together.
    terms: Terms = field(default_factory=lambda: combine_terms(()))
    has_parent: bool = False


def get_tutor_gate(person: Person, *, now: datetime | None = None) -> TutorGate:
    """Return the gate of a person. It is open to adults.

    It is open to a teen with consent, outside pauses, quiet hours and cooling-off periods.
    """
    if person.role != Role.TEEN:
        return TutorGate()
    now = now or timezone.now()
    links = list(list_active_links().filter(teen=person).select_related("parent"))
    agreed = [link.terms for link in links]
    terms = combine_terms(agreed)
    has_consent, until = _find_consent_and_cooling_off(person, now)
    if until or not has_consent:
        closed = ClosedReason.COOLING_OFF if until else ClosedReason.CONSENT
        return TutorGate(closed, until=until, has_consent=has_consent, terms=terms, has_parent=bool(links))
    paused = next((link for link in links if link.paused_at), None)
    if paused:
        return TutorGate(ClosedReason.PAUSED, paused_by=paused.parent, terms=terms, has_parent=True)
    quiet = find_quiet_end([hours for link in links for hours in link.quiet_hours], now=now)
    if quiet:
        return TutorGate(ClosedReason.QUIET, until=quiet.at, zone=quiet.zone, terms=terms, has_parent=True)
    return TutorGate(terms=terms, has_parent=bool(links))


def _find_consent_and_cooling_off(teen: Person, now: datetime) -> tuple[bool, datetime | None]:
    """`find_consent` and `find_cooling_off_end` in one query, because every question needs both."""
    consent = Exists(list_consents_in_force().filter(teen=OuterRef("pk")))
    cooling_off = CoolingOff.objects.filter(teen=OuterRef("pk"), until__gt=now).order_by("-until")
    until = Subquery(cooling_off.values("until")[:1])
    row = Person.objects.filter(pk=teen.pk).values_list(consent, until).first()
    has_consent, until_then = row or (False, None)
    return has_consent, None if has_turned_18(teen, now) else until_then
