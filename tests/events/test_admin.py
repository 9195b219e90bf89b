"""Admins enter a local time, and the event stores an instant."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from events.models import Event, SignUp
from events.services import create_sign_up
from tests.events.conftest import LOS_ANGELES, MakeEvent

AsPerson = Callable[[Person], Client]
ADD = "/admin/events/event/add/"


@pytest.fixture
def admin_client(admin_person: Person, as_person: AsPerson) -> Client:
    return as_person(admin_person)


def build_form(**changed: str) -> dict[str, str]:
    return {
        "language": "en",
        "title": "One evening",
        "slug": "typed",
        "summary": "An hour.",
        "description": "",
        "day": "2099-01-15",
        "start_time": "18:00",
        "time_zone": LOS_ANGELES,
        "minutes": "60",
        "max_guests": "3",
        "is_published": "on",
        "module_slug": "",
        "join_url": "",
    } | changed


@pytest.mark.parametrize(
    ("day", "start_time", "zone", "instant"),
    [
        ("2099-01-15", "18:00", LOS_ANGELES, datetime(2099, 1, 16, 2, tzinfo=UTC)),
        ("2099-07-15", "18:00", LOS_ANGELES, datetime(2099, 7, 16, 1, tzinfo=UTC)),
        ("2099-07-15", "18:00", "Europe/Dublin", datetime(2099, 7, 15, 17, tzinfo=UTC)),
        ("2026-11-01", "01:30", LOS_ANGELES, datetime(2026, 11, 1, 8, 30, tzinfo=UTC)),
        ("2099-01-15", "00:00", "Asia/Tokyo", datetime(2099, 1, 14, 15, tzinfo=UTC)),
    ],
)
def test_the_start_is_typed_on_the_events_own_clock(
    admin_client: Client, day: str, start_time: str, zone: str, instant: datetime
) -> None:
    assert (
        admin_client.post(ADD, build_form(day=day, start_time=start_time, time_zone=zone)).status_code == 302
    )
    assert Event.objects.get().starts_at == instant


def test_the_start_is_shown_again_as_it_was_typed(admin_client: Client) -> None:
    admin_client.post(ADD, build_form())
    event = Event.objects.get()
    page = admin_client.get(f"/admin/events/event/{event.pk}/change/").content.decode()
    assert 'value="2099-01-15"' in page
    assert 'value="18:00"' in page
    assert 'type="date"' in page
    admin_client.post(f"/admin/events/event/{event.pk}/change/", build_form(title="Another name"))
    event.refresh_from_db()
    assert event.title == "Another name"
    assert event.starts_at == datetime(2099, 1, 16, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"day": "2027-03-14", "start_time": "02:30"}, "That time doesn’t exist on that day"),
        ({"time_zone": "Mars/Olympus"}, "Choose a time zone from the list"),
        ({"minutes": ""}, "Enter a length"),
        ({"minutes": "0"}, "greater than or equal to 1"),
        ({"slug": "sign-up"}, "is used by another page"),
        ({"day": ""}, "required"),
        ({"start_time": "25:00"}, "valid time"),
        ({"join_url": "javascript:alert(1)"}, "valid URL"),
    ],
)
def test_invalid_input_is_refused(admin_client: Client, changed: dict[str, str], message: str) -> None:
    reply = admin_client.post(ADD, build_form(**changed))
    assert reply.status_code == 200
    assert message in reply.content.decode()
    assert not Event.objects.exists()


def test_a_past_events_length_may_be_unknown(admin_client: Client) -> None:
    assert (
        admin_client.post(ADD, build_form(day="2023-12-22", start_time="11:00", minutes="")).status_code
        == 302
    )
    assert Event.objects.get().minutes is None


def test_the_list_counts_sign_ups_in_one_query(
    admin_client: Client, make_event: MakeEvent, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(6):
        event = make_event(f"e-{number}", starts_at=timezone.now() + timedelta(days=number + 1))
        for name in ("kim", "lee")[: number % 3]:
            create_sign_up(event=event, name=name, email=f"{name}@example.org")
    # Session, person, second factor, two counts and the list itself.
    with django_assert_max_num_queries(6):
        page = admin_client.get("/admin/events/event/").content.decode()
    assert page.count("Los Angeles time") == 6
    assert page.count('<td class="field-sign_up_count">2</td>') == 2


def test_a_published_event_has_a_way_to_its_page(admin_client: Client, event: Event, draft: Event) -> None:
    way = f"/events/{event.slug}"
    assert way in admin_client.get(f"/admin/events/event/{event.pk}/change/").content.decode()
    assert "viewsitelink" not in admin_client.get(f"/admin/events/event/{draft.pk}/change/").content.decode()


class TestSignUps:
    def test_they_are_found_by_email_and_event(self, admin_client: Client, sign_up: SignUp) -> None:
        search = {"q": "KIM@", "event__id__exact": str(sign_up.event_id)}
        assert "kim@example.org" in admin_client.get("/admin/events/signup/", search).content.decode()
        assert "kim@" not in admin_client.get("/admin/events/signup/", {"q": "lee"}).content.decode()

    def test_a_name_is_found_however_its_marks_are_typed(self, admin_client: Client, sign_up: SignUp) -> None:
        SignUp.objects.update(name="José")
        page = admin_client.get("/admin/events/signup/", {"q": "Jose\u0301"}).content.decode()
        assert "kim@example.org" in page

    def test_they_can_be_viewed_and_deleted_but_not_changed(
        self, admin_client: Client, sign_up: SignUp
    ) -> None:
        path = f"/admin/events/signup/{sign_up.pk}"
        page = admin_client.get(f"{path}/change/").content.decode()
        assert "Kim" in page
        assert sign_up.token not in page
        assert admin_client.get("/admin/events/signup/add/").status_code == 403
        assert admin_client.post(f"{path}/change/", {"name": "Lee"}).status_code == 403
        assert admin_client.post(f"{path}/delete/", {"post": "yes"}).status_code == 302
        assert not SignUp.objects.exists()


@pytest.mark.parametrize("table", ["event", "signup"])
def test_only_admins_get_in(as_person: AsPerson, teen: Person, parent: Person, table: str) -> None:
    for client in (Client(), as_person(teen), as_person(parent)):
        assert client.get(f"/admin/events/{table}/").status_code == 302


class TestItsModule:
    def test_is_chosen_by_its_title(self, admin_client: Client, library: None) -> None:
        page = admin_client.get(ADD).content.decode()
        assert '<option value="good-and-bad">The good and the bad of AI</option>' in page
        assert admin_client.post(ADD, build_form(module_slug="good-and-bad")).status_code == 302
        assert Event.objects.get().module_slug == "good-and-bad"

    def test_that_does_not_exist_is_refused(self, admin_client: Client, library: None) -> None:
        page = admin_client.post(ADD, build_form(module_slug="godo-and-bad")).content.decode()
        assert "Select a valid choice" in page
        assert not Event.objects.exists()

    def test_that_left_the_library_stays_until_another_is_chosen(
        self, admin_client: Client, make_event: MakeEvent, no_library: None
    ) -> None:
        event = make_event(module_slug="an-old-one")
        page = admin_client.get(f"/admin/events/event/{event.pk}/change/").content.decode()
        assert '<option value="an-old-one" selected>an-old-one</option>' in page
