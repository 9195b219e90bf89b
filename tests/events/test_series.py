"""A series is several events at the same local time, each with its own spots."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from events.models import Event, Series, SignUp, SignUpStatus
from events.series import repeat_event
from events.services import create_sign_up, sign_up_for_dates
from events.times import NoSuchTime
from mail.models import Email
from tests.events.conftest import LOS_ANGELES, MakeEvent, sign_up_and_confirm


def test_every_date_is_at_the_same_local_time_when_the_clocks_change(make_event: MakeEvent) -> None:
    first = make_event(starts_at=datetime(2099, 10, 23, 1, tzinfo=UTC), time_zone=LOS_ANGELES, capacity=9)
    made = repeat_event(event=first, times=3, weeks=1)
    assert {f"{event.starts_local:%a %H:%M}" for event in [first, *made]} == {"Thu 18:00"}
    assert [copy.starts_at.hour for copy in made] == [1, 2, 2]
    assert [copy.slug for copy in made] == [f"one-evening-2099-{day}" for day in ("10-29", "11-05", "11-12")]
    assert all(copy.capacity == 9 and not copy.is_published and not copy.join_url for copy in made)
    assert {copy.series for copy in made} == {Series.objects.get()}


def test_repeating_twice_creates_nothing_twice(event: Event) -> None:
    assert len(repeat_event(event=event, times=2, weeks=2)) == 2
    assert len(repeat_event(event=event, times=3, weeks=2)) == 1
    assert Event.objects.count() == 4
    assert Series.objects.count() == 1


def test_a_local_time_that_the_clocks_skip_is_refused(make_event: MakeEvent) -> None:
    first = make_event(starts_at=datetime(2027, 3, 7, 10, 30, tzinfo=UTC), time_zone=LOS_ANGELES)
    with pytest.raises(NoSuchTime):
        repeat_event(event=first, times=1, weeks=1)
    assert Event.objects.count() == 1


def test_a_dates_page_links_to_the_others(event: Event, client: Client) -> None:
    repeat_event(event=event, times=2, weeks=1)
    Event.objects.filter(slug__startswith="one-evening-").update(is_published=True)
    page = client.get(event.get_absolute_url()).content.decode()
    assert "Other dates" in page
    assert page.count('href="/events/one-evening-') == 2


@pytest.fixture
def dates(event: Event) -> list[Event]:
    """The event of the other fixtures with two more dates, a week apart."""
    made = repeat_event(event=event, times=2, weeks=1)
    Event.objects.update(is_published=True)
    return made


def list_statuses(email: str = "kim@example.org") -> list[str]:
    return list(
        SignUp.objects.filter(email=email).order_by("event__starts_at").values_list("status", flat=True)
    )


class TestOneConfirmationForSeveralDates:
    """Confirming by email proves that the address is theirs, so other dates need no further email."""

    def test_signs_up_for_all_and_invites_to_each(
        self, client: Client, dates: list[Event], unconfirmed: SignUp
    ) -> None:
        assert "There are other dates" in Email.objects.get().text
        assert "Yes, to all dates" in client.get(unconfirmed.get_absolute_url()).content.decode()
        client.post(f"{unconfirmed.get_absolute_url()}/confirm", {"all": "yes"})
        assert list_statuses() == ["going"] * 3
        assert Email.objects.filter(subject__startswith="You have a spot").count() == 3
        assert Email.objects.filter(subject__startswith="Confirm").count() == 1

    def test_signs_up_for_the_chosen_dates(
        self, client: Client, dates: list[Event], unconfirmed: SignUp
    ) -> None:
        client.post(f"{unconfirmed.get_absolute_url()}/confirm", {"date": dates[1].slug})
        assert set(SignUp.objects.values_list("event", flat=True)) == {unconfirmed.event_id, dates[1].pk}

    def test_signs_up_for_no_other_dates(
        self, client: Client, dates: list[Event], unconfirmed: SignUp
    ) -> None:
        client.post(f"{unconfirmed.get_absolute_url()}/confirm")
        assert list_statuses() == ["going"]

    def test_can_add_dates_later(self, client: Client, dates: list[Event], sign_up: SignUp) -> None:
        reply = client.post(f"{sign_up.get_absolute_url()}/dates", {"date": dates[0].slug}, follow=True)
        page = reply.content.decode()
        assert "Has a spot: <time" in page
        assert page.count('name="date"') == 1
        client.post(f"{sign_up.get_absolute_url()}/dates", {"all": "yes"})
        assert list_statuses() == ["going"] * 3

    def test_explains_that_no_date_was_chosen(
        self, client: Client, dates: list[Event], sign_up: SignUp
    ) -> None:
        reply = client.post(f"{sign_up.get_absolute_url()}/dates")
        assert reply.status_code == 422
        assert "Choose a date first." in reply.content.decode()

    def test_shows_each_in_both_time_zones(self, client: Client, dates: list[Event], sign_up: SignUp) -> None:
        SignUp.objects.update(time_zone="Europe/Madrid")
        page = client.get(sign_up.get_absolute_url()).content.decode()
        assert page.count("For you: <time") == 3

    def test_twice_changes_nothing(self, dates: list[Event], sign_up: SignUp) -> None:
        assert len(sign_up_for_dates(sign_up=sign_up, slugs=None)) == 2
        mails = Email.objects.count()
        assert sign_up_for_dates(sign_up=sign_up, slugs=None) == []
        assert Email.objects.count() == mails

    def test_joins_the_waitlist_of_a_full_date(self, dates: list[Event], sign_up: SignUp) -> None:
        Event.objects.filter(pk=dates[0].pk).update(capacity=1)
        sign_up_and_confirm(dates[0], "Lee")
        sign_up_for_dates(sign_up=sign_up, slugs=None)
        assert list_statuses() == ["going", "waitlisted", "going"]

    def test_confirms_an_earlier_sign_up_for_a_date(self, dates: list[Event], sign_up: SignUp) -> None:
        create_sign_up(event=dates[0], name="Kim", email="KIM@example.org")
        sign_up_for_dates(sign_up=sign_up, slugs=[dates[0].slug])
        assert SignUp.objects.get(event=dates[0]).status == SignUpStatus.GOING

    def test_is_needed_first(self, client: Client, dates: list[Event], unconfirmed: SignUp) -> None:
        client.post(f"{unconfirmed.get_absolute_url()}/dates", {"all": "yes"})
        assert list_statuses() == ["unconfirmed"]

    def test_ignores_dates_of_other_series(
        self, make_event: MakeEvent, dates: list[Event], sign_up: SignUp
    ) -> None:
        other = make_event("another", series=Series.objects.create(title="Another"))
        Event.objects.filter(pk=dates[0].pk).update(cancelled_at=timezone.now())
        Event.objects.filter(pk=dates[1].pk).update(starts_at=timezone.now() - timedelta(days=1))
        assert sign_up_for_dates(sign_up=sign_up, slugs=[other.slug, *(date.slug for date in dates)]) == []
