"""Who may read the message of a card or a check-in, besides programs: what the texts of cards.py need to say it."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef
from django.db.models.signals import post_delete, post_save
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import Person
from accounts.zones import format_time_in_zone
from families.consents import covers_review
from guard import Level
from kit.timed_cache import TimedCache
from safeguarding.alerting import ALERT_LEVELS
from safeguarding.cards import CardReview
from safeguarding.human_review import find_cached_human_review, find_last_human_review
from safeguarding.models import HumanReview, Incident, IncidentMessage, OnCallShift
from safeguarding.on_call import can_be_told, find_next_shift_starts, list_on_call, list_reviewers
from safeguarding.readers import is_for_lead as level_is_for_lead
from safeguarding.readers import list_family_ids

# A page may say this late that a shift began or ended.
CACHE_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class OnCallNow:
    """Of the people who may open an incident: whether one is on call, and when one is next.

    `organization` is the one whose people review, or last did. `has_readers` is False if there is no one at all.
    """

    organization: str
    has_readers: bool
    is_someone_on_call: bool
    next_start: datetime | None


@dataclass(frozen=True, kw_only=True)
class _Schedule:
    """Everyone who may review, by id, and who of them is on call, now and next."""

    organization: str
    reviewers: frozenset[int]
    leads: frozenset[int]
    on_call: frozenset[int]
    next_starts: Mapping[int, datetime]


def _read() -> _Schedule:
    record = find_last_human_review()
    # Without an email address, no one can be told that anything waits.
    reviewers = frozenset(person.pk for person in list_reviewers() if can_be_told(person))
    return _Schedule(
        organization=record.organization if record else "",
        reviewers=reviewers,
        leads=reviewers.intersection(record.lead_ids if record else ()),
        on_call=frozenset(person.pk for person in list_on_call()),
        next_starts=find_next_shift_starts(),
    )


_cache = TimedCache[_Schedule](_read, seconds=CACHE_SECONDS)
for _model in (HumanReview, OnCallShift):
    for _signal in (post_save, post_delete):
        _signal.connect(
            _cache.clear, sender=_model, dispatch_uid=f"safeguarding.on_call_now.{_model.__name__}"
        )


def _get_schedule() -> _Schedule:
    schedule = _cache.get()
    if not schedule.organization:
        # Another process may just have switched review on.
        _cache.clear()
        schedule = _cache.get()
    return schedule


def get_organization() -> str:
    """Return the organization whose people review crises, or last did, or ""."""
    return _get_schedule().organization


def get_on_call_now(incident: Incident) -> OnCallNow:
    """Return whether someone who may open an incident is on call, up to CACHE_SECONDS ago."""
    family = list_family_ids(incident.teen_id) if incident.teen_id else set()
    return _find_on_call(family, is_for_lead=level_is_for_lead(incident.level))


def _find_on_call(family: AbstractSet[int], *, is_for_lead: bool) -> OnCallNow:
    schedule = _get_schedule()
    readers = (schedule.leads if is_for_lead else schedule.reviewers) - family
    starts = [start for number, start in schedule.next_starts.items() if number in readers]
    is_someone_on_call = not readers.isdisjoint(schedule.on_call)
    return OnCallNow(
        organization=schedule.organization,
        has_readers=bool(readers),
        is_someone_on_call=is_someone_on_call,
        next_start=None if is_someone_on_call else min(starts, default=None),
    )


def is_on_call(person_id: int | None) -> bool:
    """Return whether this person was on call up to CACHE_SECONDS ago."""
    return person_id in _get_schedule().on_call


def format_next_on_call(on_call: OnCallNow, zone: ZoneInfo) -> str:
    """Return when someone is next on call: “Tuesday, 9 a.m., Madrid time”; "" if someone is, or no one will be.

    With its date, if the weekday is today's.
    """
    if on_call.next_start is None:
        return ""
    start = on_call.next_start.astimezone(zone)
    today = timezone.now().astimezone(zone).date()
    is_same_weekday_later = start.date() != today and start.weekday() == today.weekday()
    day = date_format(start, "l")
    if is_same_weekday_later:
        day = f"{day}, {date_format(start, 'MONTH_DAY_FORMAT')}"
    return f"{day}, {format_time_in_zone(on_call.next_start, zone)}"


def find_card_reviews(turn_ids: Sequence[UUID]) -> Mapping[UUID, CardReview]:
    """Return what each turn's card has to say about human review, by turn id. Most turns are in no incident."""
    if not turn_ids:
        return {}
    frozen = Incident.objects.filter(teen=OuterRef("incident__teen"), alerts_frozen_at__isnull=False)
    messages = (
        IncidentMessage.objects.filter(turn_id__in=turn_ids)
        .select_related("incident__teen")
        .annotate(is_frozen=Exists(frozen))
    )
    found = [(message, message.incident.teen) for message in messages if message.incident.teen]
    families = {teen_id: list_family_ids(teen_id) for teen_id in {teen.pk for _message, teen in found}}
    return {
        message.turn_id: _build_card_review(
            message, family=families[teen.pk], zone=teen.zone, is_frozen=message.is_frozen
        )
        for message, teen in found
        if message.turn_id
    }


def _build_card_review(
    message: IncidentMessage, *, family: AbstractSet[int], zone: ZoneInfo, is_frozen: bool
) -> CardReview:
    """Return what a message's card says. `is_frozen`: no parent may be told about this teen."""
    incident = message.incident
    is_for_lead = level_is_for_lead(message.level) or level_is_for_lead(incident.level)
    on_call = _find_on_call(family, is_for_lead=is_for_lead)
    return CardReview(
        organization=on_call.organization,
        is_for_lead=is_for_lead,
        has_readers=on_call.has_readers,
        is_closed=not incident.is_open,
        is_someone_on_call=on_call.is_someone_on_call,
        next_on_call=format_next_on_call(on_call, zone),
        may_tell_parent=Level(incident.level) in ALERT_LEVELS and not is_frozen,
    )


@dataclass(frozen=True, kw_only=True)
class CheckInReview:
    """What a check-in has to say before its answer where a yes would be read by people."""

    organization: str
    may_tell_parent: bool


def find_check_in_review(person: Person) -> CheckInReview | None:
    """Return what a check-in of this person has to say about human review, or None if no one would read a yes."""
    review = find_cached_human_review()
    if review is None or not covers_review(person):
        return None
    is_frozen = Incident.objects.filter(teen=person, alerts_frozen_at__isnull=False, is_drill=False).exists()
    return CheckInReview(organization=review.organization, may_tell_parent=not is_frozen)


def has_ever_been_reviewed() -> bool:
    """Return whether people review crises on this site, or once did. Then a parent's page says nothing about it."""
    return find_cached_human_review() is not None or _ever_cache.get()


_ever_cache = TimedCache[bool](lambda: HumanReview.objects.filter(is_on=True).exists(), seconds=60)
post_save.connect(_ever_cache.clear, sender=HumanReview, dispatch_uid="safeguarding.ever_reviewed")


def clear_review_caches() -> None:
    """Read everything again at the next call. For tests, whose rows are rolled back."""
    _cache.clear()
    _ever_cache.clear()
