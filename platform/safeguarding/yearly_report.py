"""The numbers of a calendar year, as they were counted: without words, without people, and never changed by hand."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Max, Min, Sum
from django.utils import timezone

from accounts.models import Person
from safeguarding.models import CountKind, HumanReview, LevelChoices, WeeklyCount
from safeguarding.on_call import can_review

PERMISSION = "safeguarding.view_crisis_report"
# The levels that have a card. Each has its column, even if the count is zero.
CARD_LEVELS = (LevelChoices.STATED, LevelChoices.ACUTE, LevelChoices.UNSAFE_HOME)


def can_view_report(person: Person) -> bool:
    """Return whether a person may read the yearly report: those with its permission, and reviewers."""
    is_allowed = person.is_active and person.is_staff and person.has_perm(PERMISSION)
    return is_allowed or can_review(person)


@dataclass(frozen=True, kw_only=True)
class CountedWeek:
    """The crisis cards of a week, by level. The first and the last week of a year may be shorter."""

    begins: date
    ends: date
    cards: Counter[str]


@dataclass(frozen=True, kw_only=True)
class ProtocolVersion:
    """A version of guard and texts, with the first and the last week in which something was counted under it."""

    version: str
    first_week: date
    last_week: date


@dataclass(frozen=True, kw_only=True)
class ReviewPeriod:
    """Who reviewed crises in a part of the year, or no one, without a `record`. Days are in UTC."""

    begins: date
    ends: date
    record: HumanReview | None


@dataclass(frozen=True, kw_only=True)
class YearlyReport:
    """A year's counts. `until` is its last day, or today if it has not ended."""

    year: int
    until: date
    counts: dict[CountKind, Counter[str]]
    weeks: Sequence[CountedWeek]
    protocols: Sequence[ProtocolVersion]
    reviews: Sequence[ReviewPeriod]

    @property
    def is_complete(self) -> bool:
        return timezone.now().date() > self.until

    def count(self, kind: CountKind, level: str | None = None) -> int:
        """Return how often something happened, at one level or at all of them."""
        counts = self.counts[kind]
        return counts.total() if level is None else counts[level]


def list_report_years() -> list[int]:
    """Return the years with counts and this year, the newest first."""
    counted = WeeklyCount.objects.dates("week_start", "year")
    return sorted({day.year for day in counted} | {timezone.now().year}, reverse=True)


def read_report(year: int) -> YearlyReport:
    """Return the report of a year. Drills were never counted."""
    rows = WeeklyCount.objects.filter(week_start__year=year)
    counts = {kind: Counter[str]() for kind in CountKind}
    weeks: dict[date, Counter[str]] = {}
    summed = rows.values_list("week_start", "kind", "level").order_by("week_start").annotate(Sum("count"))
    for week_start, kind, level, count in summed:
        counts[CountKind(kind)][level] += count
        if kind == CountKind.CARD:
            weeks.setdefault(week_start, Counter())[level] += count
    versions = (
        rows.values_list("protocol")
        .annotate(first=Min("week_start"), last=Max("week_start"))
        .order_by("first", "last")
    )
    until = min(date(year, 12, 31), timezone.now().date())
    return YearlyReport(
        year=year,
        until=until,
        counts=counts,
        weeks=[
            CountedWeek(begins=begins, ends=get_week_end(begins), cards=cards)
            for begins, cards in weeks.items()
        ],
        protocols=[
            ProtocolVersion(version=version, first_week=first, last_week=last)
            for version, first, last in versions
        ],
        reviews=_list_review_periods(date(year, 1, 1), until),
    )


def get_week_end(begins: date) -> date:
    """Return the last day of the counted week that begins on this day: a Sunday, or December 31."""
    return min(begins + timedelta(days=6 - begins.weekday()), date(begins.year, 12, 31))


def _list_review_periods(begins: date, ends: date) -> list[ReviewPeriod]:
    """Return who reviewed from one day to another, oldest first. On a day of a change, both periods have it."""
    before = HumanReview.objects.filter(recorded_at__lt=_get_midnight(begins)).order_by("-pk").first()
    changes = [(begins, before if before and before.is_on else None)]
    recorded = HumanReview.objects.filter(
        recorded_at__gte=_get_midnight(begins), recorded_at__lt=_get_midnight(ends + timedelta(days=1))
    )
    for record in recorded.order_by("pk"):
        # Switched off again where it was off: no change.
        if record.is_on or changes[-1][1]:
            day = record.recorded_at.astimezone(UTC).date()
            changes.append((day, record if record.is_on else None))
    last_days = [day for day, _record in changes[1:]] + [ends]
    return [
        ReviewPeriod(begins=day, ends=last_day, record=record)
        for (day, record), last_day in zip(changes, last_days, strict=True)
    ]


def _get_midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
