"""Who is on call for incidents, and when someone is next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Person
from safeguarding.models import OnCallShift

PERMISSION = "safeguarding.review_incident"
SWITCH_PERMISSION = "safeguarding.add_humanreview"


def get_shift_on(shift: OnCallShift, day: datetime) -> tuple[datetime, datetime]:
    """Return the start and end, in UTC, of a shift that starts on the day that `day` is in the shift's time zone."""
    zone = ZoneInfo(shift.time_zone)
    date = day.astimezone(zone).date()
    ends_on = date if shift.ends > shift.starts else date + timedelta(days=1)
    starts = datetime.combine(date, shift.starts, zone)
    ends = datetime.combine(ends_on, shift.ends, zone)
    return starts.astimezone(UTC), ends.astimezone(UTC)


def list_on_call(*, now: datetime | None = None) -> list[Person]:
    """Return the people whose shift it is, who can still sign in and may review, each once.

    Someone without an email address cannot be told of anything, so they are not on call.
    """
    now = now or timezone.now()
    people: dict[int, Person] = {}
    for shift in _list_reachable_shifts():
        if any(starts <= now < ends for starts, ends in _list_times(shift, now, days=1)):
            people.setdefault(shift.reviewer.pk, shift.reviewer)
    return list(people.values())


def find_next_shift_start(*, now: datetime | None = None) -> datetime | None:
    """Return when someone is next on call, or None if no one is in the coming week."""
    return min(find_next_shift_starts(now=now).values(), default=None)


def find_next_shift_starts(*, now: datetime | None = None) -> dict[int, datetime]:
    """Return when each person is next on call, by their id. People who are not on call within a week are left out."""
    now = now or timezone.now()
    starts: dict[int, datetime] = {}
    for shift in _list_reachable_shifts():
        later = [start for start, _end in _list_times(shift, now) if start > now]
        if later:
            starts[shift.reviewer_id] = min(*later, starts.get(shift.reviewer_id, later[0]))
    return starts


def can_review(person: Person) -> bool:
    """Return whether a person may review incidents."""
    return person.is_active and person.is_staff and person.has_perm(PERMISSION)


def can_switch_review(person: Person) -> bool:
    """Return whether a person may switch human review on and off, and change the shifts of others."""
    return person.is_active and person.is_staff and person.has_perm(SWITCH_PERMISSION)


@transaction.atomic
def add_shifts(
    *, reviewer: Person, weekdays: Iterable[int], starts: time, ends: time, time_zone: str
) -> list[OnCallShift]:
    """Add the same hours on some days of the week."""
    return OnCallShift.objects.bulk_create(
        OnCallShift(reviewer=reviewer, weekday=weekday, starts=starts, ends=ends, time_zone=time_zone)
        for weekday in weekdays
    )


@transaction.atomic
def delete_shift(*, shift_id: int, by: Person) -> None:
    """Delete a shift. Raises OnCallShift.DoesNotExist if it is another's, unless `by` may switch review on."""
    shifts = OnCallShift.objects.all() if can_switch_review(by) else OnCallShift.objects.filter(reviewer=by)
    shifts.get(pk=shift_id).delete()


@dataclass(frozen=True)
class DayPart:
    """A part of a day, and the names of those on call then: none in a gap."""

    starts: datetime
    ends: datetime
    people: tuple[str, ...]


@dataclass(frozen=True)
class OnCallDay:
    """A day of the schedule, divided into parts without gaps between them."""

    day: date
    parts: Sequence[DayPart]


def list_week(zone: ZoneInfo, *, now: datetime | None = None) -> list[OnCallDay]:
    """Return who is on call on the seven days from today, in this time zone."""
    now = now or timezone.now()
    times = [
        (start, end, str(shift.reviewer))
        for shift in _list_reachable_shifts()
        for start, end in _list_times(shift, now)
    ]
    first = now.astimezone(zone).date()
    return [_build_day(first + timedelta(days=number), zone, times) for number in range(7)]


def _build_day(day: date, zone: ZoneInfo, times: Sequence[tuple[datetime, datetime, str]]) -> OnCallDay:
    begins = datetime.combine(day, time.min, zone).astimezone(UTC)
    ends = datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)
    within = {moment for start, end, _name in times for moment in (start, end) if begins < moment < ends}
    moments = [begins, *sorted(within), ends]
    parts: list[DayPart] = []
    for start, end in pairwise(moments):
        people = tuple(sorted({name for first, last, name in times if first <= start and end <= last}))
        if parts and parts[-1].people == people:
            parts[-1] = DayPart(parts[-1].starts, end, people)
        else:
            parts.append(DayPart(start, end, people))
    return OnCallDay(day, parts)


def list_reviewers() -> list[Person]:
    """Return everyone who may review incidents."""
    return list(_list_reviewers().order_by("pk"))


def list_shifts() -> QuerySet[OnCallShift]:
    """Return the shifts of people who may review incidents."""
    return OnCallShift.objects.filter(reviewer__in=_list_reviewers()).select_related("reviewer")


def can_be_told(person: Person) -> bool:
    """Return whether an email can tell a person of an incident. In a demo, everyone counts: it has no mailboxes."""
    return bool(person.email or settings.DEMO)


def _list_reachable_shifts() -> list[OnCallShift]:
    return [shift for shift in list_shifts() if can_be_told(shift.reviewer)]


def list_review_admins() -> list[Person]:
    """Return everyone who may switch human review on and off."""
    may: QuerySet[Person] = ModelBackend().with_perm(SWITCH_PERMISSION)
    return list(may.filter(is_staff=True).order_by("pk"))


def _list_reviewers() -> QuerySet[Person]:
    may: QuerySet[Person] = ModelBackend().with_perm(PERMISSION)
    return may.filter(is_staff=True)


def _list_times(shift: OnCallShift, now: datetime, *, days: int = 8) -> list[tuple[datetime, datetime]]:
    """Return a shift's starts and ends from yesterday, as it may last past midnight, to some days from now."""
    zone = ZoneInfo(shift.time_zone)
    local = now.astimezone(zone)
    dates = (local + timedelta(days=day) for day in range(-1, days + 1))
    return [get_shift_on(shift, date) for date in dates if date.weekday() == shift.weekday]
