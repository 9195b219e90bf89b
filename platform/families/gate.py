"""Whether the tutor is open to a person now, and if not, why and until when."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import JSONObject
from django.utils import timezone
from django.utils.dateparse import parse_datetime, parse_time

from accounts.models import Person, Role
from families.consents import list_consents_in_force
from families.cooling_off import has_turned_18
from families.models import CoolingOff, Link
from families.quiet_hours import find_quiet_end
from families.selectors import list_active_links
from families.terms import Terms, combine_terms


class ClosedReason(StrEnum):
    """Why the tutor is closed."""

    COOLING_OFF = "cooling-off"
    CONSENT = "consent"
    PAUSED = "paused"
    QUIET = "quiet"


# The fields of a link that decide about the gate. They are read as JSON.
LINK_FIELDS = (
    "parent_id",
    "parent_view",
    "memory",
    "allows_spanning_notes",
    "local_only",
    "quiet_from",
    "quiet_to",
    "answers_per_day",
    "time_zone",
    "earlier_zone",
    "zone_applies_from",
    "paused_at",
)
# For fields whose type JSON does not have.
JSON_PARSERS: dict[str, Callable[[str], time | datetime | None]] = {
    "quiet_from": parse_time,
    "quiet_to": parse_time,
    "zone_applies_from": parse_datetime,
    "paused_at": parse_datetime,
}


@dataclass(frozen=True)
class TutorGate:
    """Whether the tutor is open: `closed_reason` is None if it is.

    `until` is set if the tutor opens by itself, and `zone` is that of the quiet hours. Without `has_consent` nothing
    a teen writes is stored, regardless of what else closes the tutor. `has_parent` tells whether a parent is linked.
    """

    closed_reason: ClosedReason | None = None
    until: datetime | None = None
    zone: ZoneInfo | None = None
    has_consent: bool = True
    paused_by: Person | None = None
    # The combined terms of all agreements.
    terms: Terms = field(default_factory=lambda: combine_terms(()))
    has_parent: bool = False


def get_tutor_gate(person: Person, *, now: datetime | None = None) -> TutorGate:
    """Return the gate of a person. It is open to adults.

    It is open to a teen with consent, outside pauses, quiet hours and cooling-off periods.
    """
    if person.role != Role.TEEN:
        return TutorGate()
    now = now or timezone.now()
    rows: Any = Person.objects.filter(pk=person.pk).values(**build_gate_columns(person, now))
    return read_tutor_gate(person, rows.first() or {}, now)


def build_gate_columns(person: Person, now: datetime) -> dict[str, Any]:
    """Return what `read_tutor_gate` reads, as columns for a query of the person's row."""
    if person.role != Role.TEEN:
        return {}
    cooling_off = CoolingOff.objects.filter(teen=OuterRef("pk"), until__gt=now).order_by("-until")
    links = list_active_links().filter(teen=OuterRef("pk")).order_by("created_at")
    return {
        "has_consent": Exists(list_consents_in_force().filter(teen=OuterRef("pk"))),
        "cooling_off_until": Subquery(cooling_off.values("until")[:1]),
        "links": ArraySubquery(links.values(link=JSONObject(**{name: name for name in LINK_FIELDS}))),
    }


def read_tutor_gate(person: Person, row: Mapping[str, Any], now: datetime) -> TutorGate:
    """Return the gate of a person whose row has the columns of `build_gate_columns`."""
    if person.role != Role.TEEN:
        return TutorGate()
    links = [_build_link(values) for values in row.get("links", ())]
    terms = combine_terms([link.terms for link in links])
    has_consent = row.get("has_consent", False)
    until = None if has_turned_18(person, now) else row.get("cooling_off_until")
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


def _build_link(values: Mapping[str, Any]) -> Link:
    """Return a link from its values in JSON."""
    return Link(
        **{
            name: JSON_PARSERS[name](value) if value is not None and name in JSON_PARSERS else value
            for name, value in values.items()
        }
    )
