"""Calendar feeds: the public one, and each person's own, which needs its private link."""

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
from tests.events.conftest import MakeEvent, sign_up_and_confirm
from tests.events.test_admin import AsPerson

ALL = "/events/calendar.ics"


def get_entries(client: Client, path: str) -> dict[str, Any]:
    reply = client.get(path)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"].startswith("text/calendar")
    calendar = Calendar.from_ical(reply.content)
    calendar.validate()  # type: ignore[no-untyped-call]
    return {str(entry["SUMMARY"]): entry for entry in calendar.events}


@pytest.fixture
def kim(make_person: Callable[..., Person]) -> Person:
    """A person with the verified address kim@example.org."""
    person = make_person("kim", display_name="Kim")
    EmailAddress.objects.create(user=person, email="kim@example.org", verified=True)
    return person


class TestThePublicFeed:
    def test_has_published_recent_events_in_one_query(
        self, client: Client, make_event: MakeEvent, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        make_event("a", title="Soon")
        make_event("b", title="In Tokyo", time_zone="Asia/Tokyo")
        make_event("c", title="Last week", starts_at=timezone.now() - timedelta(days=7))
        make_event("d", title="Last year", starts_at=timezone.now() - timedelta(days=365))
        make_event("e", title="A draft", is_published=False)
        make_event("f", title="Of no known end", minutes=None)
        with django_assert_num_queries(1):
            listed = get_entries(client, ALL)
        assert set(listed) == {"Soon", "In Tokyo", "Last week"}
        assert not any("ATTENDEE" in entry for entry in listed.values())

    def test_marks_cancelled_and_changed_events(self, client: Client, event: Event) -> None:
        before = get_entries(client, ALL)["One evening"]
        event.minutes = 90
        update_event(event=event, notify=False)
        assert get_entries(client, ALL)["One evening"]["SEQUENCE"] > before["SEQUENCE"]
        cancel_event(event=event)
        after = get_entries(client, ALL)["One evening"]
        assert (after["UID"], after["STATUS"]) == (before["UID"], "CANCELLED")

    def test_has_no_join_links(self, client: Client, make_event: MakeEvent) -> None:
        make_event(join_url="https://meet.example.org/secret")
        assert b"meet.example.org" not in client.get(ALL).content.replace(b"\r\n ", b"")


class TestAnOwnFeed:
    @pytest.fixture
    def feed(self, kim: Person) -> str:
        return f"/events/mine/{create_feed(person=kim).token}.ics"

    def test_has_the_same_entries_as_the_invitations(
        self, client: Client, event: Event, make_event: MakeEvent, feed: str
    ) -> None:
        place = sign_up_and_confirm(event)
        full = make_event("full", title="Full", capacity=1)
        sign_up_and_confirm(full, "Lee")
        sign_up_and_confirm(full)
        listed = get_entries(client, feed)
        assert set(listed) == {"One evening"}
        assert listed["One evening"]["UID"] == str(place.pk)

    def test_has_nothing_of_an_unverified_address(
        self, client: Client, event: Event, kim: Person, feed: str, as_person: AsPerson
    ) -> None:
        theirs = create_sign_up(event=event, name="Lee", email="lee@example.org", person=kim)
        confirm_sign_up(sign_up=theirs)
        assert not Calendar.from_ical(client.get(feed).content).events
        page = as_person(kim).get("/events/mine").content.decode()
        assert theirs.token not in page

    def test_is_in_the_language_of_the_page_where_it_was_created(self, client: Client, kim: Person) -> None:
        with translation.override("es"):
            token = create_feed(person=kim).token
        feed = client.get(f"/events/mine/{token}.ics", headers={"accept-language": "en"})
        assert "Mis eventos" in feed.content.decode()
        assert feed.headers["Content-Language"] == "es"

    def test_ends_with_a_new_link_or_when_it_is_turned_off(
        self, client: Client, kim: Person, feed: str, as_person: AsPerson
    ) -> None:
        mine = as_person(kim)
        mine.post("/events/mine/new-address")
        assert client.get(feed).status_code == 404
        page = mine.get("/events/mine").content.decode()
        assert CalendarFeed.objects.get().token in page
        mine.post("/events/mine/end")
        assert not CalendarFeed.objects.exists()

    def test_ends_when_the_account_is_deactivated(self, client: Client, kim: Person, feed: str) -> None:
        Person.objects.update(is_active=False)
        assert client.get(feed).status_code == 404


class TestThePage:
    def test_shows_only_own_events(
        self, event: Event, kim: Person, stranger: Person, as_person: AsPerson
    ) -> None:
        sign_up_and_confirm(event)
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
            sign_up_and_confirm(make_event(f"e-{number}"))
        client = as_person(kim)
        with django_assert_max_num_queries(6):
            page = client.get("/events/mine").content.decode()
        assert page.count("/events/sign-up/") == 5


class TestSigningUpWhileSignedIn:
    def post(self, client: Client, email: str) -> str:
        reply = client.post("/events/one-evening/sign-up", {"name": "Kim", "email": email})
        return str(reply.headers["Location"])

    def test_with_an_own_address_redirects_to_the_sign_up(
        self, event: Event, kim: Person, as_person: AsPerson
    ) -> None:
        location = self.post(as_person(kim), "kim@example.org")
        assert location == SignUp.objects.get().get_absolute_url()

    def test_with_another_address_never_redirects_to_its_sign_up(
        self, event: Event, kim: Person, as_person: AsPerson
    ) -> None:
        for _ in range(2):
            assert self.post(as_person(kim), "lee@example.org").endswith("/signed-up")
            confirm_sign_up(sign_up=SignUp.objects.get())
