"""Opens an incident for a crisis, in the transaction of its card, and adds later messages to it (ADR 60)."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import NAMESPACE_OID, UUID, uuid5

from django.db import transaction
from django.utils import timezone

from accounts.models import Person, Role
from families.consents import covers_review
from guard import Category, Level, Verdict, get_guard_version, judge_conversation
from kit.connections import acquire_key_lock
from kit.jobs import nudge
from safeguarding.cards import SAFETY_CATEGORIES
from safeguarding.counts import add_to_count
from safeguarding.human_review import find_human_review
from safeguarding.models import (
    MAX_EXCERPT_LENGTH,
    CountKind,
    EntryKind,
    Incident,
    IncidentEntry,
    IncidentMessage,
)
from safeguarding.protocol import get_protocol_version
from safeguarding.readers import find_readers, is_for_lead

# Messages of a person within this time of each other are one crisis, and one referral.
SAME_CRISIS_WITHIN = timedelta(hours=24)
# How many characters an excerpt has before and after what the guard found.
EXCERPT_MARGIN = 60
NOTIFY_TASK = "safeguarding.tasks.notify_on_call"
# People are told again of a further message at the same level, but not more often than this.
TOLD_AGAIN_AFTER = timedelta(minutes=5)


def lock_crises(*, person: Person) -> None:
    """Lock this person's crises until the caller's transaction ends."""
    acquire_key_lock(uuid5(NAMESPACE_OID, f"crisis {person.pk}"))


def record_card(
    *, person: Person, turn_id: UUID, text: str, verdict: Verdict, has_earlier_card: bool
) -> Incident | None:
    """Count a crisis card and, where people review crises, open an incident or add the message to the open one.

    Runs in the transaction that stores the card, after `lock_crises`. `has_earlier_card` says whether the person was
    shown one within SAME_CRISIS_WITHIN: then this is the same referral. Only a teen whose consent is to the text about
    human review has incidents.
    """
    level = verdict.level
    add_to_count(CountKind.CARD, level=str(level))
    if not has_earlier_card:
        add_to_count(CountKind.REFERRAL, level=str(level))
    if person.role != Role.TEEN or level < Level.STATED:
        return None
    review = find_human_review()
    if review is None or not covers_review(person):
        return None
    return _add_message(person, turn_id, build_excerpt(text, verdict), verdict)


def record_check_in() -> None:
    """Count a check-in, in the transaction that stores it."""
    add_to_count(CountKind.CHECK_IN, level=str(Level.HINTS))


def build_excerpt(text: str, verdict: Verdict) -> str:
    """Return the part of a message that shows the danger, with a little around it; at most MAX_EXCERPT_LENGTH.

    Without evidence that points into the text, return its beginning.
    """
    evidence = verdict.evidence
    if not evidence and len(text) > MAX_EXCERPT_LENGTH:
        # A remote guard, and the answer to a check-in, locate nothing.
        evidence = judge_conversation([("user", text)]).evidence
    spans = [
        item for item in evidence if item.layer != "personal" and 0 <= item.start < item.end <= len(text)
    ]
    # Evidence of a whole message, as the encoder gives it, locates nothing.
    narrow = [item for item in spans if item.end - item.start < len(text)] or spans
    start = max(min((item.start for item in narrow), default=0) - EXCERPT_MARGIN, 0)
    end = min(max((item.end for item in narrow), default=len(text)) + EXCERPT_MARGIN, len(text))
    # Begin and end at a word.
    if start:
        start = text.find(" ", start, end) + 1 or start
    is_cut = end - start > MAX_EXCERPT_LENGTH - 2
    if is_cut:
        end = start + MAX_EXCERPT_LENGTH - 2
    if end < len(text):
        end = max(text.rfind(" ", start, end), start + 1)
    excerpt = " ".join(text[start:end].split())
    return f"{'…' if start else ''}{excerpt}{'…' if end < len(text) else ''}"


def _add_message(person: Person, turn_id: UUID, excerpt: str, verdict: Verdict) -> Incident:
    now = timezone.now()
    level = _find_incident_level(verdict)
    incident = _lock_open_incident(person)
    is_new = incident is None
    if incident is None:
        incident = Incident.objects.create(
            teen=person, level=level, last_message_at=now, protocol=get_protocol_version()
        )
    IncidentMessage.objects.create(
        incident=incident,
        turn_id=turn_id,
        level=level,
        said_at=now,
        excerpt=excerpt,
        is_about_someone_else=Category.ABOUT_SOMEONE_ELSE in verdict.categories,
        guard_version=get_guard_version(),
    )
    add_entry(incident, EntryKind.OPENED if is_new else EntryKind.MESSAGE, level=level)
    incident.last_message_at = now
    is_raised = not is_new and _raise_level(incident, Level(level))
    # Also at level 4, where the life in danger decided the level.
    if level == Level.UNSAFE_HOME or SAFETY_CATEGORIES & verdict.categories:
        _freeze(incident, level=level)
    is_told_again = incident.notified_at is not None and now - incident.notified_at >= TOLD_AGAIN_AFTER
    if is_told_again:
        _tell_again(incident)
    incident.save()
    if is_new or is_raised or is_told_again:
        nudge_notification(incident)
    return incident


def _find_incident_level(verdict: Verdict) -> str:
    """Return the level at which people treat a message: S even if it only hints at an unsafe home, but not at 4."""
    hints_at_home = bool(SAFETY_CATEGORIES & verdict.categories)
    level = Level.UNSAFE_HOME if hints_at_home and verdict.level < Level.UNSAFE_HOME else verdict.level
    return str(level)


def _lock_open_incident(teen: Person) -> Incident | None:
    open_ones = Incident.objects.filter(teen=teen, closed_at=None, is_drill=False)
    return open_ones.select_for_update(no_key=True).first()


def _raise_level(incident: Incident, level: Level) -> bool:
    """Raise an incident to a level, if it is higher. At S it is given back, unless a lead has claimed it."""
    if level <= Level(incident.level):
        return False
    incident.level = str(level)
    _tell_again(incident)
    add_entry(incident, EntryKind.RAISED, level=incident.level)
    if is_for_lead(incident.level):
        add_entry(incident, EntryKind.KEPT_FOR_LEAD, level=incident.level)
        if incident.claimed_by not in find_readers(incident).readers:
            incident.claimed_by = incident.claimed_at = None
    return True


def _tell_again(incident: Incident) -> None:
    """Have people on call told again, and again if no one claims it."""
    incident.notified_at = incident.webhook_sent_at = incident.escalated_at = None
    incident.escalations = 0


def _freeze(incident: Incident, *, level: str = "") -> None:
    if incident.alerts_frozen_at is None:
        # Clocks may differ between machines, and a constraint wants it after a parent was told.
        incident.alerts_frozen_at = max(timezone.now(), incident.alerted_at or timezone.now())
        add_entry(incident, EntryKind.FROZEN, level=level)


def nudge_notification(incident: Incident) -> None:
    """Have a worker tell people of an incident after the caller's transaction."""
    transaction.on_commit(partial(nudge, NOTIFY_TASK, str(incident.pk)))


def record_unsafe_answer(incident: Incident) -> None:
    """Rule out telling a parent, and leave the crisis to the leads, as its teen has answered that home isn't safe.

    Runs in a transaction that holds the incident, and saves it. If it is closed and people still review this teen's
    crises, the answer opens another one, or no one would learn of it.
    """
    _freeze(incident)
    current = incident
    if not incident.is_open and not incident.is_drill:
        current = _find_or_open_by_answer(incident) or incident
    if current.is_open:
        _freeze(current)
        _raise_level(current, Level.UNSAFE_HOME)
        _tell_again(current)
        nudge_notification(current)
    for each in {incident.pk: incident, current.pk: current}.values():
        each.save()


def _find_or_open_by_answer(closed: Incident) -> Incident | None:
    teen = closed.teen
    if teen is None:
        return None
    # A card at the same moment opens one too.
    lock_crises(person=teen)
    if current := _lock_open_incident(teen):
        return current
    if find_human_review() is None or not covers_review(teen):
        return None
    opened = Incident.objects.create(
        teen=teen, level=Level.UNSAFE_HOME, last_message_at=timezone.now(), protocol=get_protocol_version()
    )
    add_entry(opened, EntryKind.OPENED_BY_ANSWER, level=opened.level)
    return opened


def delete_excerpts(*, turn_ids: Sequence[UUID]) -> None:
    """Delete the excerpts of messages that their teen deletes, in the caller's transaction. The rest stays."""
    messages = IncidentMessage.objects.filter(turn_id__in=turn_ids).exclude(excerpt="")
    incidents = Incident.objects.filter(messages__in=messages).distinct()
    for incident in list(incidents):
        add_entry(incident, EntryKind.EXCERPTS_DELETED)
    messages.update(excerpt="")


def add_entry(
    incident: Incident, kind: EntryKind, *, by: Person | None = None, note: str = "", level: str = ""
) -> IncidentEntry:
    """Add an entry to an incident's history, in the caller's transaction."""
    return IncidentEntry.objects.create(
        incident=incident,
        kind=kind,
        by_id_number=by.pk if by else None,
        by_name=str(by) if by else "",
        note=note,
        level=level,
    )
