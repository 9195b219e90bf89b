"""Telling an adult: only by a reviewer, at levels 3 and 4, never at S, and after asking the teen where time allows.

The message says that there are signs of serious risk, how to check in, and where help is. It has no quote, no topic and
nothing about who the teen is; its words are reviewed texts (data/alerts.*.toml).
"""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone, translation

from accounts.models import Person
from families.notices import send_notice
from families.selectors import list_parents
from families.trusted_adults import find_trusted_adult
from guard import Level
from safeguarding.alert_texts import build_alert
from safeguarding.context import has_said_unsafe
from safeguarding.incidents import add_entry, record_unsafe_answer
from safeguarding.models import AlertAnswer, EntryKind, Incident
from safeguarding.notifying import notify_claimant
from safeguarding.reviewing import ReasonMissing, lock_claimed, lock_incident

# How long the teen has to answer before an adult may be told, by level.
TEEN_ANSWER_TIME = {Level.STATED: timedelta(minutes=60), Level.ACUTE: timedelta(minutes=10)}
ALERT_LEVELS = frozenset(TEEN_ANSWER_TIME)


class AlertRefused(Exception):
    """No adult may be told now. `reason` is one of the class's constants."""

    LEVEL, FROZEN, WAITING, NOT_ASKED, ADULT_CHOSEN, NO_ADULT, NO_PARENT, TOLD, GONE, DRILL = (
        "level", "frozen", "waiting", "not_asked", "adult_chosen", "no_adult", "no_parent", "told", "gone", "drill",
    )  # fmt: skip

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@transaction.atomic
def ask_teen(*, incident_id: UUID, by: Person) -> Incident:
    """Ask the teen whom to tell. Their pages show the question until they answer or the time is over.

    Raises AlertRefused, NotClaimed or IncidentClosed.
    """
    incident = lock_claimed(incident_id, by)
    _require_alerts_possible(incident)
    if incident.teen_asked_at is None:
        incident.teen_asked_at = timezone.now()
        incident.teen_answer_until = incident.teen_asked_at + TEEN_ANSWER_TIME[Level(incident.level)]
        incident.save(update_fields=["teen_asked_at", "teen_answer_until"])
        add_entry(incident, EntryKind.TEEN_ASKED, by=by)
    return incident


@transaction.atomic
def answer_as_teen(*, incident_id: UUID, teen: Person, answer: AlertAnswer) -> Incident:
    """Store the teen's answer. They may still say later that home isn't safe, which rules out telling a parent.

    Once they said so, or once the incident is closed, no other answer changes anything. Saying so makes it an incident
    at S, for the responsible person and the deputies, unless it is at level 4. Raises Incident.DoesNotExist
    unless they were asked about an incident of theirs, and AlertRefused if they name an adult whom they never named.
    """
    incident = lock_incident(incident_id)
    if incident.teen_id != teen.pk or incident.teen_asked_at is None or incident.is_drill:
        raise Incident.DoesNotExist
    is_settled = bool(incident.teen_answer) or not incident.is_open
    if answer != AlertAnswer.UNSAFE and is_settled:
        return incident
    if answer in {incident.teen_answer, AlertAnswer.NONE}:
        return incident
    if answer == AlertAnswer.OTHER_ADULT and find_trusted_adult(teen) is None:
        raise AlertRefused(AlertRefused.NO_ADULT)
    incident.teen_answer = answer
    incident.save(update_fields=["teen_answer"])
    add_entry(incident, EntryKind.TEEN_ANSWERED, note=answer)
    if answer == AlertAnswer.UNSAFE:
        record_unsafe_answer(incident)
    elif incident.is_open:
        notify_claimant(incident)
    return incident


@transaction.atomic
def tell_parents(*, incident_id: UUID, by: Person, no_time_reason: str = "") -> list[Person]:
    """Tell the teen's linked parents. The teen's own page says so at once. Returns the parents.

    The teen must have been asked, and have agreed or let the time pass. At level 4 a reviewer may tell them at once,
    with a reason, which the teen reads. Raises AlertRefused, ReasonMissing, NotClaimed or IncidentClosed.
    """
    incident = lock_claimed(incident_id, by)
    _require_alerts_possible(incident)
    if incident.alerted_at:
        raise AlertRefused(AlertRefused.TOLD)
    if incident.teen_answer == AlertAnswer.OTHER_ADULT:
        raise AlertRefused(AlertRefused.ADULT_CHOSEN)
    if incident.teen_answer != AlertAnswer.PARENT:
        _require_time_passed(incident, no_time_reason)
    assert incident.teen is not None  # noqa: S101 - _require_alerts_possible has checked it
    parents = list(list_parents(incident.teen))
    if not parents:
        raise AlertRefused(AlertRefused.NO_PARENT)
    for parent in parents:
        # In the parent's language, not the reviewer's.
        with translation.override(parent.language):
            alert = build_alert(Level(incident.level))
        send_notice(
            person=parent,
            text=alert.text,
            action_text=alert.action,
            subject=alert.subject,
            path=alert.path,
        )
    incident.alerted_at = timezone.now()
    incident.save(update_fields=["alerted_at"])
    add_entry(incident, EntryKind.PARENT_TOLD, by=by, note=no_time_reason.strip(), level=incident.level)
    return parents


def _require_alerts_possible(incident: Incident) -> None:
    if incident.is_drill:
        raise AlertRefused(AlertRefused.DRILL)
    if incident.teen is None:
        raise AlertRefused(AlertRefused.GONE)
    if Level(incident.level) not in ALERT_LEVELS:
        raise AlertRefused(AlertRefused.LEVEL)
    if is_frozen(incident):
        raise AlertRefused(AlertRefused.FROZEN)


def is_frozen(incident: Incident) -> bool:
    """Return whether no parent may be told: this teen has said that home is unsafe, here or at any other time."""
    if incident.alerts_frozen_at or incident.teen is None:
        return incident.alerts_frozen_at is not None
    frozen = Incident.objects.filter(teen=incident.teen, alerts_frozen_at__isnull=False, is_drill=False)
    return frozen.exists() or has_said_unsafe(incident.teen)


def _require_time_passed(incident: Incident, no_time_reason: str) -> None:
    if incident.is_waiting_for_teen() or incident.teen_asked_at is None:
        if incident.level != Level.ACUTE:
            waiting = incident.teen_asked_at is not None
            raise AlertRefused(AlertRefused.WAITING if waiting else AlertRefused.NOT_ASKED)
        if not no_time_reason.strip():
            raise ReasonMissing


@transaction.atomic
def look_at_other_adult(*, incident_id: UUID, by: Person, reason: str) -> tuple[str, str]:
    """Return the name and contact of the adult whom the teen named, for a reviewer who will call them.

    Logs the look for the teen. Works at S too, because the teen trusts this adult. Raises ReasonMissing,
    AlertRefused (no adult), NotClaimed or IncidentClosed.
    """
    if not reason.strip():
        raise ReasonMissing
    incident = lock_claimed(incident_id, by)
    if incident.is_drill:
        raise AlertRefused(AlertRefused.DRILL)
    adult = find_trusted_adult(incident.teen) if incident.teen else None
    if adult is None:
        raise AlertRefused(AlertRefused.NO_ADULT)
    add_entry(incident, EntryKind.LOOKED_AT_ADULT, by=by, note=reason.strip())
    return adult.name, adult.contact


@transaction.atomic
def record_other_adult_told(*, incident_id: UUID, by: Person) -> Incident:
    """Store that the reviewer has told the other adult, by their own phone or email.

    Allowed if the teen chose it, at level 4, and where no parent may be told, once a reviewer has read how to reach
    them. Raises AlertRefused, NotClaimed or IncidentClosed.
    """
    incident = lock_claimed(incident_id, by)
    if incident.is_drill:
        raise AlertRefused(AlertRefused.DRILL)
    is_urgent = incident.level == Level.ACUTE or is_frozen(incident)
    if incident.teen_answer != AlertAnswer.OTHER_ADULT and not is_urgent:
        raise AlertRefused(AlertRefused.NOT_ASKED)
    if not incident.entries.filter(kind=EntryKind.LOOKED_AT_ADULT).exists():
        raise AlertRefused(AlertRefused.NO_ADULT)
    add_entry(incident, EntryKind.OTHER_ADULT_TOLD, by=by)
    return incident
