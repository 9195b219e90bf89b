"""Who may read the message of a card or a check-in, besides programs: what the texts of cards.py need to say it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef
from django.db.models.signals import post_delete, post_save
from django.utils.formats import date_format

from accounts.models import Person
from accounts.zones import format_time_in_zone
from families.consents import covers_review
from guard import Level
from kit.timed_cache import TimedCache
from safeguarding.alerting import ALERT_LEVELS
from safeguarding.cards import CardReview
from safeguarding.human_review import find_kept_human_review
from safeguarding.models import HumanReview, Incident, IncidentMessage, OnCallShift
from safeguarding.on_call import find_next_shift_start, list_on_call

# A shift may begin or end this much earlier than a page says.
KEPT_SECONDS = 5


@dataclass(frozen=True)
class OnCallNow:
    """The organization whose people review, or last did; whether one is on call; and when one is next."""

    organization: str
    is_someone: bool
    next_start: datetime | None


def _read() -> OnCallNow:
    newest = HumanReview.objects.filter(is_on=True).order_by("-pk").first()
    is_someone = bool(list_on_call())
    return OnCallNow(
        newest.organization if newest else "", is_someone, None if is_someone else find_next_shift_start()
    )


_kept = TimedCache[OnCallNow](_read, seconds=KEPT_SECONDS)
for _model in (HumanReview, OnCallShift):
    for _signal in (post_save, post_delete):
        _signal.connect(
            _kept.clear, sender=_model, dispatch_uid=f"safeguarding.on_call_now.{_model.__name__}"
        )


def get_on_call_now() -> OnCallNow:
    """Return who is on call, up to KEPT_SECONDS ago."""
    on_call = _kept.get()
    if not on_call.organization:
        # Another process has just switched review on.
        _kept.clear()
        on_call = _kept.get()
    return on_call


def format_next_on_call(on_call: OnCallNow, zone: ZoneInfo) -> str:
    """Return when someone is next on call: “Tuesday, 9 a.m., Madrid time”; "" if someone is, or no one will be."""
    if on_call.next_start is None:
        return ""
    day = date_format(on_call.next_start.astimezone(zone), "l")
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
    return {
        message.turn_id: build_card_review(message.incident, is_frozen=message.is_frozen)
        for message in messages
        if message.turn_id and message.incident.teen
    }


def build_card_review(incident: Incident, *, is_frozen: bool) -> CardReview:
    """Return what a card says of an incident. `is_frozen`: no parent may be told anything of this teen."""
    on_call = get_on_call_now()
    zone = incident.teen.zone if incident.teen else ZoneInfo("UTC")
    return CardReview(
        organization=on_call.organization,
        is_closed=not incident.is_open,
        is_someone_on_call=on_call.is_someone,
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
    review = find_kept_human_review()
    if review is None or not covers_review(person):
        return None
    is_frozen = Incident.objects.filter(teen=person, alerts_frozen_at__isnull=False, is_drill=False).exists()
    return CheckInReview(organization=review.organization, may_tell_parent=not is_frozen)


def has_ever_been_reviewed() -> bool:
    """Return whether people review crises on this site, or once did. Then a parent's page says nothing about it."""
    return find_kept_human_review() is not None or _kept_ever.get()


_kept_ever = TimedCache[bool](lambda: HumanReview.objects.filter(is_on=True).exists(), seconds=60)
post_save.connect(_kept_ever.clear, sender=HumanReview, dispatch_uid="safeguarding.ever_reviewed")


def forget_reviews() -> None:
    """Read everything again, for tests whose rows are rolled back."""
    _kept.clear()
    _kept_ever.clear()
