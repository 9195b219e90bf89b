"""Calendars to subscribe to: everybody's, and one's own, which nobody reads without its address."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone, translation
from icalendar import Calendar
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from events.changes import cancel_event, update_event
from events.feeds import create_feed
from events.models import CalendarFeed, Event, SignUp
from events.services import create_sign_up
from events.spots import confirm_sign_up
from tests.events.conftest import MakeEvent, come
from tests.events.test_admin import AsPerson

ALL = "/events/calendar.ics"


def entries(client: Client, path: str) -> dict[str, Any]:
    reply = client.get(path)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"].startswith("text/calendar")
    calendar = Calendar.from_ical(reply.content)
    calendar.validate()  # type: ignore[no-untyped-call]
    return {str(entry["SUMMARY"]): entry for entry in calendar.events}


@pytest.fixture
def kim(make_person: Callable[..., Person]) -> Person:
    """Is known to have kim@example.org."""
    person = make_person("kim", display_name="Kim")
    EmailAddress.objects.create(user=person, email="kim@example.org", verified=True)
    return person


class TestAll:
    def test_has_what_is_published_and_recent_in_one_query(
        self, client: Client, make_event: MakeEvent, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        make_event("a", title="Soon")
        make_event("b", title="In Tokyo", time_zone="Asia/Tokyo")
        make_event("c", title="Last week", starts_at=timezone.now() - timedelta(days=7))
        make_event("d", title="Last year", starts_at=timezone.now() - timedelta(days=365))
        make_event("e", title="A draft", is_published=False)
        make_event("f", title="Of no known end", minutes=None)
        with django_assert_num_queries(1):
            found = entries(client, ALL)
        assert set(found) == {"Soon", "In Tokyo", "Last week"}
        assert not any("ATTENDEE" in entry for entry in found.values())

    def test_says_what_was_called_off_and_what_changed(self, client: Client, event: Event) -> None:
        before = entries(client, ALL)["One evening"]
        event.minutes = 90
        update_event(event=event, notify=False)
        assert entries(client, ALL)["One evening"]["SEQUENCE"] > before["SEQUENCE"]
        cancel_event(event=event)
        after = entries(client, ALL)["One evening"]
        assert (after["UID"], after["STATUS"]) == (before["UID"], "CANCELLED")

    def test_names_no_room(self, client: Client, make_event: MakeEvent) -> None:
        make_event(join_url="https://meet.example.org/secret")
        assert b"meet.example.org" not in client.get(ALL).content.replace(b"\r\n ", b"")


class TestMine:
    @pytest.fixture
    def feed(self, kim: Person) -> str:
        return f"/events/mine/{create_feed(person=kim).token}.ics"

    def test_has_the_places_of_my_address_as_the_invitations_have_them(
        self, client: Client, event: Event, make_event: MakeEvent, feed: str
    ) -> None:
        place = come(event)
        full = make_event("full", title="Full", capacity=1)
        come(full, "Lee")
        come(full)
        found = entries(client, feed)
        assert set(found) == {"One evening"}
        assert found["One evening"]["UID"] == str(place.pk)

    def test_has_nothing_of_an_address_that_i_only_typed(
        self, client: Client, event: Event, kim: Person, feed: str, as_person: AsPerson
    ) -> None:
        theirs = create_sign_up(event=event, name="Lee", email="lee@example.org", person=kim)
        confirm_sign_up(sign_up=theirs)
        assert not Calendar.from_ical(client.get(feed).content).events
        page = as_person(kim).get("/events/mine").content.decode()
        assert theirs.token not in page

    def test_has_the_language_of_the_page_where_it_was_made(self, client: Client, kim: Person) -> None:
        with translation.override("es"):
            token = create_feed(person=kim).token
        feed = client.get(f"/events/mine/{token}.ics", headers={"accept-language": "en"})
        assert "Mis eventos" in feed.content.decode()
        assert feed.headers["Content-Language"] == "es"

    def test_ends_with_a_new_address_or_when_i_say_so(
        self, client: Client, kim: Person, feed: str, as_person: AsPerson
    ) -> None:
        mine = as_person(kim)
        mine.post("/events/mine/new-address")
        assert client.get(feed).status_code == 404
        page = mine.get("/events/mine").content.decode()
        assert CalendarFeed.objects.get().token in page
        mine.post("/events/mine/end")
        assert not CalendarFeed.objects.exists()

    def test_is_read_by_nobody_who_may_not_sign_in_any_more(
        self, client: Client, kim: Person, feed: str
    ) -> None:
        Person.objects.update(is_active=False)
        assert client.get(feed).status_code == 404


class TestThePage:
    def test_is_each_ones_own(self, event: Event, kim: Person, stranger: Person, as_person: AsPerson) -> None:
        come(event)
        assert "One evening" in as_person(kim).get("/events/mine").content.decode()
        assert "One evening" not in as_person(stranger).get("/events/mine").content.decode()
        assert Client().get("/events/mine").status_code == 302

    def test_costs_the_same_for_many(
        self,
        kim: Person,
        make_event: MakeEvent,
        as_person: AsPerson,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for number in range(5):
            come(make_event(f"e-{number}"))
        client = as_person(kim)
        with django_assert_max_num_queries(6):
            page = client.get("/events/mine").content.decode()
        assert page.count("/events/sign-up/") == 5


class TestSigningUpWhileSignedIn:
    def post(self, client: Client, email: str) -> str:
        reply = client.post("/events/one-evening/sign-up", {"name": "Kim", "email": email})
        return str(reply.headers["Location"])

    def test_with_my_own_address_leads_to_my_place(
        self, event: Event, kim: Person, as_person: AsPerson
    ) -> None:
        there = self.post(as_person(kim), "kim@example.org")
        assert there == SignUp.objects.get().get_absolute_url()

    def test_with_another_s_never_leads_to_theirs(
        self, event: Event, kim: Person, as_person: AsPerson
    ) -> None:
        for _ in range(2):
            assert self.post(as_person(kim), "lee@example.org").endswith("/signed-up")
            confirm_sign_up(sign_up=SignUp.objects.get())
