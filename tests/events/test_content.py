"""Events that come with the site: the first event, and a demo event in demo mode."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.demo import DEMO_PEOPLE
from events.archive import load_first_event
from events.demo import load_demo_event
from events.models import Event
from tests.events.conftest import MakeEvent

LOS_ANGELES = ZoneInfo("America/Los_Angeles")


class TestArchive:
    def test_the_first_event_has_its_facts_and_nothing_made_up(self, db: None) -> None:
        assert load_first_event()
        event = Event.objects.get()
        assert event.slug == "how-to-talk-to-your-teens"
        assert event.title == "How to Talk to Your Teens"
        assert event.starts_at == datetime(2023, 12, 22, 11, tzinfo=LOS_ANGELES)
        assert event.starts_at == datetime(2023, 12, 22, 19, tzinfo=UTC)
        assert event.time_zone == "America/Los_Angeles"
        assert event.is_published
        assert (event.minutes, event.description, event.join_url, event.module_slug) == (None, "", "", "")
        event.full_clean()

    def test_loading_again_changes_nothing(self, db: None) -> None:
        load_first_event()
        Event.objects.update(minutes=75)
        assert not load_first_event()
        assert Event.objects.get().minutes == 75


class TestDemo:
    @pytest.mark.parametrize("day", range(7))
    def test_it_is_a_thursday_evening_two_weeks_ahead_at_least(self, db: None, day: int) -> None:
        now = datetime(2027, 3, 1 + day, 5, tzinfo=UTC)
        event = load_demo_event(now=now)
        local = event.starts_local
        assert (local.strftime("%A"), local.hour, local.minute) == ("Thursday", 18, 0)
        assert timedelta(days=14) <= event.starts_at - now < timedelta(days=23)
        assert event.slug == f"good-and-bad-{local.date().isoformat()}"
        assert (event.minutes, event.module_slug, event.is_published) == (60, "good-and-bad", True)
        event.full_clean()

    def test_it_says_that_it_is_a_demo(self, db: None) -> None:
        event = load_demo_event()
        assert "demo event" in event.summary
        assert "demo event" in event.description

    def test_it_is_created_once_until_it_is_over(self, db: None) -> None:
        first = load_demo_event()
        assert load_demo_event() == first
        assert first.ends_at
        assert load_demo_event(now=first.ends_at) != first

    def test_nothing_is_created_if_an_event_is_coming_up(self, event: Event) -> None:
        assert load_demo_event() == event
        assert Event.objects.count() == 1

    def test_an_unpublished_demo_event_stays_unpublished(self, db: None) -> None:
        now = timezone.now()
        load_demo_event(now=now)
        Event.objects.update(is_published=False)
        assert not load_demo_event(now=now).is_published
        assert Event.objects.count() == 1

    def test_it_needs_demo_mode(self, db: None, settings: Settings) -> None:
        settings.DEMO = False
        with pytest.raises(ImproperlyConfigured):
            load_demo_event()


class TestCommands:
    def test_content_is_loaded_once_and_says_so_in_a_line(
        self, db: None, settings: Settings, capsys: pytest.CaptureFixture[str]
    ) -> None:
        settings.DEMO = False
        call_command("load_content")
        call_command("load_content")
        first, second = capsys.readouterr().out.splitlines()
        assert first.endswith("Past events created: 1.")
        assert second.endswith("Past events created: 0.")
        assert Event.objects.get().slug == "how-to-talk-to-your-teens"

    def test_the_demo_loads_it_too_and_prints_its_people_alone(
        self, db: None, capsys: pytest.CaptureFixture[str]
    ) -> None:
        call_command("load_demo")
        call_command("load_demo")
        assert Event.objects.count() == 2
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 2 * len(DEMO_PEOPLE)
        assert all(line.count("\t") == 2 for line in lines)

    def test_nothing_is_created_outside_the_demo(
        self, db: None, settings: Settings, make_event: MakeEvent
    ) -> None:
        settings.DEMO = False
        with pytest.raises(ImproperlyConfigured):
            call_command("load_demo")
        assert not Event.objects.exists()
