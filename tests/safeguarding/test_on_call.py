"""Who is on call, in any time zone."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from accounts.models import Person
from safeguarding.models import OnCallShift
from safeguarding.on_call import can_review, find_next_shift_start, list_on_call, list_reviewers, list_week
from tests.safeguarding.conftest import MakeReviewer

pytestmark = pytest.mark.django_db
MON, SAT, SUN = OnCallShift.Weekday.MONDAY, OnCallShift.Weekday.SATURDAY, OnCallShift.Weekday.SUNDAY


def shift(reviewer: Person, weekday: int, starts: int, ends: int, zone: str = "UTC") -> OnCallShift:
    return OnCallShift.objects.create(
        reviewer=reviewer, weekday=weekday, starts=time(starts), ends=time(ends), time_zone=zone
    )


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class TestOnCall:
    def test_from_the_start_until_before_the_end(self, reviewer: Person) -> None:
        shift(reviewer, MON, 9, 17)
        on = {
            moment: bool(list_on_call(now=at(f"2026-11-30T{moment}")))
            for moment in ("08:59:59", "09:00", "16:59:59", "17:00")
        }
        assert list(on.values()) == [False, True, True, False]

    def test_only_on_its_day(self, reviewer: Person) -> None:
        shift(reviewer, MON, 9, 17)
        assert not list_on_call(now=at("2026-12-01T10:00"))

    def test_past_midnight_into_the_next_day(self, reviewer: Person) -> None:
        shift(reviewer, SUN, 22, 6)
        assert list_on_call(now=at("2026-11-29T23:00"))
        assert list_on_call(now=at("2026-11-30T05:59"))
        assert not list_on_call(now=at("2026-11-30T06:00"))
        assert not list_on_call(now=at("2026-11-29T05:00"))

    def test_for_a_whole_day_if_it_ends_when_it_starts(self, reviewer: Person) -> None:
        shift(reviewer, MON, 0, 0)
        assert list_on_call(now=at("2026-11-30T00:00"))
        assert list_on_call(now=at("2026-11-30T23:59"))
        assert not list_on_call(now=at("2026-12-01T00:00"))

    @pytest.mark.parametrize(
        ("zone", "moment"),
        [
            # Monday 9 a.m. there.
            ("Pacific/Auckland", "2026-11-29T20:00"),
            ("America/Los_Angeles", "2026-11-30T17:00"),
            ("Pacific/Kiritimati", "2026-11-29T19:00"),
            ("Asia/Kolkata", "2026-11-30T03:30"),
        ],
    )
    def test_in_the_time_zone_of_the_shift(self, zone: str, moment: str, reviewer: Person) -> None:
        shift(reviewer, MON, 9, 10, zone)
        start = at(moment)
        assert list_on_call(now=start)
        assert list_on_call(now=start + timedelta(minutes=59))
        assert not list_on_call(now=start - timedelta(minutes=1))
        assert not list_on_call(now=start + timedelta(hours=1))

    @pytest.mark.parametrize(
        ("day", "hours"), [("2026-03-29T00:00", 23), ("2026-10-25T00:00", 25), ("2026-11-29T00:00", 24)]
    )
    def test_for_as_long_as_a_day_with_a_change_of_clocks_is(
        self, day: str, hours: int, reviewer: Person
    ) -> None:
        shift(reviewer, SUN, 0, 0, "Europe/London")
        start = at(day) - (timedelta(hours=1) if day.startswith("2026-10") else timedelta(0))
        quarters = [start + timedelta(minutes=15 * number) for number in range(-8, 28 * 4)]
        assert sum(bool(list_on_call(now=quarter)) for quarter in quarters) == hours * 4

    def test_once_even_with_two_shifts(self, reviewer: Person) -> None:
        shift(reviewer, MON, 9, 17)
        shift(reviewer, MON, 8, 12)
        assert list_on_call(now=at("2026-11-30T10:00")) == [reviewer]

    def test_never_someone_who_may_no_longer_review(
        self, make_reviewer: MakeReviewer, parent: Person
    ) -> None:
        inactive = make_reviewer("ina", is_active=False)
        without = make_reviewer("will")
        without.user_permissions.clear()
        off_staff = make_reviewer("stan")
        Person.objects.filter(pk=off_staff.pk).update(is_staff=False)
        for person in (inactive, without, off_staff, parent):
            shift(person, MON, 9, 17)
        assert list_on_call(now=at("2026-11-30T10:00")) == []
        assert list_reviewers() == []

    def test_never_someone_who_cannot_be_told(self, make_reviewer: MakeReviewer, settings: Settings) -> None:
        settings.DEMO = False
        shift(make_reviewer("noemi", email=""), MON, 9, 17)
        assert list_on_call(now=at("2026-11-30T10:00")) == []
        assert find_next_shift_start(now=at("2026-11-29T10:00")) is None
        assert not any(
            part.people
            for day in list_week(ZoneInfo("UTC"), now=at("2026-11-30T10:00"))
            for part in day.parts
        )

    def test_a_superuser_may_review(self, admin_person: Person) -> None:
        shift(admin_person, MON, 9, 17)
        assert list_on_call(now=at("2026-11-30T10:00")) == [admin_person]
        assert can_review(admin_person)


class TestTheNextShift:
    def test_is_the_soonest_of_all(self, reviewer: Person, lead: Person) -> None:
        shift(reviewer, SAT, 9, 17)
        shift(lead, MON, 9, 17)
        assert find_next_shift_start(now=at("2026-11-30T18:00")) == at("2026-12-05T09:00")

    def test_is_a_week_away_once_this_weeks_has_begun(self, reviewer: Person) -> None:
        shift(reviewer, MON, 9, 17)
        assert find_next_shift_start(now=at("2026-11-30T09:00")) == at("2026-12-07T09:00")

    def test_is_none_without_shifts(self) -> None:
        assert find_next_shift_start() is None


class TestAChangeOfClocks:
    """In London, 1:00 to 2:00 does not exist on 2026-03-29, and is twice on 2026-10-25."""

    def minutes(self, day: str) -> int:
        start = at(f"{day}T00:00") - timedelta(hours=6)
        return sum(bool(list_on_call(now=start + timedelta(minutes=number))) for number in range(36 * 60))

    @pytest.mark.parametrize(
        ("day", "starts", "ends", "minutes"),
        [
            # The missing hour has nothing in it, and a shift across it is an hour shorter.
            ("2026-03-29", time(1), time(2), 0),
            ("2026-03-29", time(0, 30), time(3), 90),
            ("2026-03-29", time(22), time(6), 480),
            # The hour that comes twice is covered twice.
            ("2026-10-25", time(1), time(2), 120),
            ("2026-10-25", time(0, 30), time(3), 210),
        ],
    )
    def test_makes_a_shift_shorter_or_longer(
        self, day: str, starts: time, ends: time, minutes: int, reviewer: Person
    ) -> None:
        OnCallShift.objects.create(
            reviewer=reviewer, weekday=SUN, starts=starts, ends=ends, time_zone="Europe/London"
        )
        assert self.minutes(day) == minutes

    @pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
    @pytest.mark.parametrize("change", [time(1), time(1, 30), time(2)])
    def test_leaves_no_gap_between_one_shift_and_the_next(
        self, day: str, change: time, reviewer: Person, lead: Person
    ) -> None:
        for person, starts, ends in ((reviewer, time(0), change), (lead, change, time(6))):
            OnCallShift.objects.create(
                reviewer=person, weekday=SUN, starts=starts, ends=ends, time_zone="Europe/London"
            )
        midnight = at(f"{day}T00:00").replace(tzinfo=ZoneInfo("Europe/London"))
        morning = midnight.replace(hour=6)
        moment = midnight.astimezone(UTC)
        while moment < morning.astimezone(UTC):
            assert list_on_call(now=moment), moment
            moment += timedelta(minutes=10)


def test_a_shift_needs_a_known_time_zone(reviewer: Person) -> None:
    unknown = OnCallShift(
        reviewer=reviewer, weekday=MON, starts=time(9), ends=time(17), time_zone="Mars/Olympus"
    )
    with pytest.raises(ValidationError):
        unknown.full_clean()


class TestTheWeek:
    LONDON = ZoneInfo("Europe/London")

    def test_of_an_empty_schedule_is_seven_gaps(self) -> None:
        week = list_week(self.LONDON, now=at("2026-11-30T12:00"))
        assert [day.day.isoformat() for day in week][:2] == ["2026-11-30", "2026-12-01"]
        assert [[part.people for part in day.parts] for day in week] == [[()]] * 7

    def test_shows_shifts_gaps_and_overlaps_in_order(self, reviewer: Person, lead: Person) -> None:
        shift(reviewer, MON, 9, 17)
        shift(lead, MON, 16, 20)
        [monday, *_others] = list_week(self.LONDON, now=at("2026-11-30T12:00"))
        shown = [(f"{part.starts:%H}–{part.ends:%H}", part.people) for part in monday.parts]
        assert shown == [
            ("00–09", ()),
            ("09–16", ("Rosa",)),
            ("16–17", ("Lena", "Rosa")),
            ("17–20", ("Lena",)),
            ("20–00", ()),
        ]

    def test_splits_a_night_at_midnight_and_begins_with_last_nights_end(self, reviewer: Person) -> None:
        shift(reviewer, SUN, 22, 6)
        week = list_week(self.LONDON, now=at("2026-11-30T12:00"))
        assert [part.people for part in week[0].parts] == [("Rosa",), ()]
        assert [part.people for part in week[6].parts] == [(), ("Rosa",)]

    def test_is_in_the_readers_time_zone(self, reviewer: Person) -> None:
        shift(reviewer, MON, 9, 17, "Europe/London")
        [monday, *_others] = list_week(ZoneInfo("America/Los_Angeles"), now=at("2026-11-30T12:00"))
        part = next(part for part in monday.parts if part.people)
        assert (part.starts, part.ends) == (at("2026-11-30T09:00"), at("2026-11-30T17:00"))

    @pytest.mark.parametrize(("now", "hours"), [("2026-03-29T06:00", 23), ("2026-10-25T06:00", 25)])
    def test_has_days_as_long_as_they_are(self, now: str, hours: int) -> None:
        [day, *_others] = list_week(self.LONDON, now=at(now))
        assert day.parts[-1].ends - day.parts[0].starts == timedelta(hours=hours)
