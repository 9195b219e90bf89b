"""What is upcoming, what is past, and what belongs to a module."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from events.models import Event
from events.selectors import (
    find_next_event,
    get_event,
    list_module_events,
    list_past_events,
    list_upcoming_events,
)
from tests.events.conftest import MakeEvent


def test_an_event_is_upcoming_until_it_has_ended(event: Event) -> None:
    assert event.ends_at
    just_before = event.ends_at - timedelta(seconds=1)
    assert list(list_upcoming_events(now=just_before)) == [event] == [find_next_event(now=just_before)]
    assert not list_past_events(now=just_before)
    assert list(list_past_events(now=event.ends_at)) == [event]
    assert find_next_event(now=event.ends_at) is None


def test_an_event_of_unknown_length_is_past_once_it_has_started(make_event: MakeEvent) -> None:
    event = make_event(minutes=None)
    assert list(list_upcoming_events(now=event.starts_at - timedelta(seconds=1))) == [event]
    assert list(list_past_events(now=event.starts_at)) == [event]


@pytest.mark.parametrize("minutes", [None, 1, 60])
@pytest.mark.parametrize("ago", [0, 30, 61])
def test_the_row_and_the_query_agree_on_what_is_over(
    make_event: MakeEvent, minutes: int | None, ago: int
) -> None:
    event = make_event(minutes=minutes, starts_at=timezone.now() - timedelta(minutes=ago))
    assert list_past_events().filter(pk=event.pk).exists() == event.is_over


def test_a_module_has_its_upcoming_published_events(make_event: MakeEvent, past: Event) -> None:
    later = make_event("later", module_slug="work", starts_at=timezone.now() + timedelta(days=9))
    sooner = make_event("sooner", module_slug="work", starts_at=timezone.now() + timedelta(days=2))
    make_event("other", module_slug="social")
    make_event("hidden", module_slug="work", is_published=False)
    Event.objects.filter(pk=past.pk).update(module_slug="work")
    assert list(list_module_events("work")) == [sooner, later]


def test_a_draft_is_not_found(draft: Event) -> None:
    with pytest.raises(Event.DoesNotExist):
        get_event("a-draft")
    assert find_next_event() is None


@pytest.mark.parametrize("wrong", [{"slug": "sign-up"}, {"time_zone": "Mars/Olympus"}, {"minutes": 0}])
def test_invalid_events_are_refused(event: Event, wrong: dict[str, object]) -> None:
    for name, value in wrong.items():
        setattr(event, name, value)
    with pytest.raises(ValidationError):
        event.full_clean()
