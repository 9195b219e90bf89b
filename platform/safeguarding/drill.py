"""Drills: an incident that is made up and marked, on which everything is practiced, and which is never counted.

A drill has no teen, its words are fixed, and nothing is sent to any family. The people on call are told as for a real
incident, with "Drill:" in the subject. Looking, claiming, noting and closing are the same functions as for a real one
(safeguarding.reviewing). Asking the teen and telling an adult are simulated here, under the rules of
safeguarding.alerting, which refuses drills.

A drill may also be started while human review is off: an organization practices before it switches review on. That is
safe, because a drill reads and changes nothing of a teen's. It must not come before a real incident, though: none may
be started while a real one is unclaimed, and only one is open at a time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Person
from guard import Level, get_guard_version
from kit.connections import acquire_key_lock
from safeguarding.alert_texts import AlertText, build_alert
from safeguarding.alerting import ALERT_LEVELS, TEEN_ANSWER_TIME, AlertRefused
from safeguarding.incidents import add_entry, nudge_notification, record_unsafe_answer
from safeguarding.models import AlertAnswer, EntryKind, Incident, IncidentEntry, IncidentMessage
from safeguarding.protocol import get_protocol_version
from safeguarding.reviewing import ReasonMissing, lock_claimed

DRILL_LEVELS = (Level.STATED, Level.ACUTE, Level.UNSAFE_HOME)


class RealIncidentWaits(Exception):
    """No drill is started while no one has claimed a real incident."""


class DrillOpen(Exception):
    """Another drill is open."""

    def __init__(self, drill: Incident) -> None:
        super().__init__()
        self.drill = drill


class NoDrill(Exception):
    """The incident is a real one: nothing about it is simulated."""


@transaction.atomic
def start_drill(*, level: Level, by: Person | None = None) -> Incident:
    """Open a drill and tell the people on call. `by` is None if a command starts it.

    Raises RealIncidentWaits or DrillOpen.
    """
    acquire_key_lock(uuid5(NAMESPACE_OID, "drill"))
    if Incident.objects.filter(closed_at=None, claimed_by=None, is_drill=False).exists():
        raise RealIncidentWaits
    if drill := Incident.objects.filter(closed_at=None, is_drill=True).first():
        raise DrillOpen(drill)
    now = timezone.now()
    drill = Incident.objects.create(
        level=str(level),
        is_drill=True,
        opened_at=now,
        last_message_at=now,
        protocol=get_protocol_version(),
        # As for a real incident at S: no parent may be told.
        alerts_frozen_at=now if level == Level.UNSAFE_HOME else None,
    )
    IncidentMessage.objects.create(
        incident=drill,
        level=str(level),
        said_at=now,
        excerpt=build_made_up_words(level),
        guard_version=get_guard_version(),
    )
    add_entry(drill, EntryKind.OPENED, by=by, level=str(level))
    if drill.alerts_frozen_at:
        add_entry(drill, EntryKind.FROZEN, level=str(level))
    nudge_notification(drill)
    return drill


def build_made_up_words(level: Level) -> str:
    """Return what a reviewer reads in place of a teen's words. It says so itself, and has no method."""
    signs = {
        Level.STATED: _("someone says that they don’t want to live"),
        Level.ACUTE: _("someone says that they have a plan for tonight"),
        Level.UNSAFE_HOME: _("someone says that they are afraid to go home"),
    }
    return _("DRILL. No one wrote this. Imagine a message in which %(sign)s.") % {"sign": signs[level]}


@transaction.atomic
def ask_imagined_teen(*, incident_id: UUID, by: Person, answer: AlertAnswer) -> Incident:
    """Ask the drill's teen, who gives this answer at once. NONE stands for no answer before time runs out.

    Raises NoDrill, AlertRefused, NotClaimed or IncidentClosed.
    """
    drill = _lock_claimed_drill(incident_id, by)
    _require_alerts_possible(drill)
    if drill.teen_asked_at:
        return drill
    now = timezone.now()
    drill.teen_asked_at, drill.teen_answer = now, answer
    has_waited = answer == AlertAnswer.NONE
    drill.teen_answer_until = now if has_waited else now + TEEN_ANSWER_TIME[Level(drill.level)]
    add_entry(drill, EntryKind.TEEN_ASKED, by=by)
    if not has_waited:
        add_entry(drill, EntryKind.TEEN_ANSWERED, note=answer)
    drill.save(update_fields=["teen_asked_at", "teen_answer", "teen_answer_until"])
    if answer == AlertAnswer.UNSAFE:
        record_unsafe_answer(drill)
    return drill


@transaction.atomic
def tell_imagined_parents(*, incident_id: UUID, by: Person, no_time_reason: str = "") -> AlertText:
    """Send nothing, and return what the parents would have been sent.

    Raises NoDrill, AlertRefused, ReasonMissing, NotClaimed or IncidentClosed, as `alerting.tell_parents` does.
    """
    drill = _lock_claimed_drill(incident_id, by)
    _require_alerts_possible(drill)
    if drill.alerted_at:
        raise AlertRefused(AlertRefused.TOLD)
    if drill.teen_answer == AlertAnswer.OTHER_ADULT:
        raise AlertRefused(AlertRefused.ADULT_CHOSEN)
    if drill.teen_asked_at is None:
        if drill.level != Level.ACUTE:
            raise AlertRefused(AlertRefused.NOT_ASKED)
        if not no_time_reason.strip():
            raise ReasonMissing
    drill.alerted_at = timezone.now()
    drill.save(update_fields=["alerted_at"])
    _add_simulated_entry(drill, EntryKind.PARENT_TOLD, by, no_time_reason)
    return build_alert(Level(drill.level))


@transaction.atomic
def tell_imagined_adult(*, incident_id: UUID, by: Person) -> Incident:
    """Record that the other adult would have been called now: where the teen chose it, at level 4, or if frozen.

    Raises NoDrill, AlertRefused, NotClaimed or IncidentClosed.
    """
    drill = _lock_claimed_drill(incident_id, by)
    is_urgent = drill.level == Level.ACUTE or drill.alerts_frozen_at is not None
    if drill.teen_answer != AlertAnswer.OTHER_ADULT and not is_urgent:
        raise AlertRefused(AlertRefused.NOT_ASKED)
    _add_simulated_entry(drill, EntryKind.OTHER_ADULT_TOLD, by)
    return drill


def _add_simulated_entry(drill: Incident, kind: EntryKind, by: Person, reason: str = "") -> None:
    note = " ".join(part for part in (_("Drill: no one was told."), reason.strip()) if part)
    add_entry(drill, kind, by=by, note=note, level=drill.level)


def _lock_claimed_drill(incident_id: UUID, by: Person) -> Incident:
    drill = lock_claimed(incident_id, by)
    if not drill.is_drill:
        raise NoDrill
    return drill


def _require_alerts_possible(drill: Incident) -> None:
    if Level(drill.level) not in ALERT_LEVELS:
        raise AlertRefused(AlertRefused.LEVEL)
    if drill.alerts_frozen_at:
        raise AlertRefused(AlertRefused.FROZEN)


@dataclass(frozen=True, kw_only=True)
class DrillTimes:
    """How long after the message each thing first happened; None if it has not."""

    notified: timedelta | None
    looked: timedelta | None
    claimed: timedelta | None
    asked: timedelta | None
    told: timedelta | None
    closed: timedelta | None


def measure_drill(drill: Incident) -> DrillTimes:
    """Return the times of a drill, from its history, which never changes."""
    first: dict[str, datetime] = {}
    for entry in IncidentEntry.objects.filter(incident=drill).order_by("at", "pk"):
        first.setdefault(entry.kind, entry.at)

    def measure(*kinds: EntryKind) -> timedelta | None:
        moments = [first[kind] for kind in kinds if kind in first]
        return min(moments) - drill.opened_at if moments else None

    return DrillTimes(
        notified=measure(EntryKind.NOTIFIED, EntryKind.UNATTENDED),
        looked=measure(EntryKind.LOOKED_AT_EXCERPT),
        claimed=measure(EntryKind.CLAIMED),
        asked=measure(EntryKind.TEEN_ASKED),
        told=measure(EntryKind.PARENT_TOLD, EntryKind.OTHER_ADULT_TOLD),
        closed=measure(EntryKind.RESOLVED, EntryKind.FALSE_ALARM),
    )
