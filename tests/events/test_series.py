"""A series is several events on the same clock time, each with its own places."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from events.models import Event, Series
from events.series import event_repeat
from events.when import NoSuchTime
from tests.events.conftest import LOS_ANGELES, MakeEvent


def test_every_date_is_on_the_same_clock_time_also_after_the_clocks_change(make_event: MakeEvent) -> None:
    first = make_event(starts_at=datetime(2099, 10, 23, 1, tzinfo=UTC), time_zone=LOS_ANGELES, capacity=9)
    made = event_repeat(event=first, times=3, weeks=1)
    assert {f"{one.starts_local:%a %H:%M}" for one in [first, *made]} == {"Thu 18:00"}
    assert [one.starts_at.hour for one in made] == [1, 2, 2]
    assert [one.slug for one in made] == [f"one-evening-2099-{day}" for day in ("10-29", "11-05", "11-12")]
    assert all(one.capacity == 9 and not one.is_published and not one.join_url for one in made)
    assert {one.series for one in made} == {Series.objects.get()}


def test_asking_twice_makes_nothing_twice(event: Event) -> None:
    assert len(event_repeat(event=event, times=2, weeks=2)) == 2
    assert len(event_repeat(event=event, times=3, weeks=2)) == 1
    assert Event.objects.count() == 4
    assert Series.objects.count() == 1


def test_an_hour_that_a_date_s_clocks_skip_is_refused(make_event: MakeEvent) -> None:
    first = make_event(starts_at=datetime(2027, 3, 7, 10, 30, tzinfo=UTC), time_zone=LOS_ANGELES)
    with pytest.raises(NoSuchTime):
        event_repeat(event=first, times=1, weeks=1)
    assert Event.objects.count() == 1


def test_a_date_s_page_leads_to_the_others(event: Event, client: Client) -> None:
    event_repeat(event=event, times=2, weeks=1)
    Event.objects.filter(slug__startswith="one-evening-").update(is_published=True)
    page = client.get(event.get_absolute_url()).content.decode()
    assert "Other dates" in page
    assert page.count('href="/events/one-evening-') == 2
