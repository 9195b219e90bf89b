"""What each page shows, to whom, and with how many queries."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from icalendar import Calendar
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from events.archive import load_first_event
from events.models import Event, SignUp
from tests.events.conftest import MakeEvent
from tests.markup import squeezed

AsPerson = Callable[[Person], Client]


def read_page(client: Client, path: str, status: int = 200) -> str:
    reply = client.get(path)
    assert reply.status_code == status
    return reply.content.decode()


class TestList:
    def test_it_shows_upcoming_events_soonest_first_and_past_ones_newest_first(
        self, client: Client, make_event: MakeEvent
    ) -> None:
        now = timezone.now()
        for slug, days in [("b-later", 9), ("c-past", -9), ("a-soon", 2), ("d-older", -99)]:
            make_event(slug, title=slug, starts_at=now + timedelta(days=days))
        make_event("going-on", title="going-on", starts_at=now - timedelta(minutes=30))
        page = read_page(client, "/events/")
        order = [page.index(f">{slug}<") for slug in ("going-on", "a-soon", "b-later", "c-past", "d-older")]
        assert order == sorted(order)
        assert page.index(">b-later<") < page.index("Past events") < page.index(">c-past<")

    def test_an_empty_list_is_explained(self, client: Client, db: None) -> None:
        page = read_page(client, "/events/")
        assert "drawing-cups" in page
        assert "The next one will appear here" in page
        assert "Past events" not in page

    def test_a_draft_is_not_on_it(self, client: Client, draft: Event) -> None:
        assert "A draft" not in read_page(client, "/events/")

    def test_it_takes_two_queries_for_any_number(
        self, client: Client, make_event: MakeEvent, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(8):
            make_event(f"e-{number}", starts_at=timezone.now() + timedelta(days=number - 3, minutes=1))
        with django_assert_num_queries(2):
            read_page(client, "/events/")


class TestEvent:
    def test_it_shows_the_facts(self, client: Client, event: Event) -> None:
        page = read_page(client, "/events/one-evening")
        for words in ("One evening", "An hour about AI.", "<p>Then that.</p>", "60 minutes", "Online."):
            assert words in page
        assert "Los Angeles time" in page
        assert "Bring a friend: send them the link to this page." in page
        assert 'action="/events/one-evening/sign-up"' in page

    def test_it_takes_one_query(
        self, client: Client, event: Event, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(1):
            read_page(client, "/events/one-evening")

    def test_signed_in_it_takes_two_more_queries_and_fills_in_name_and_email(
        self,
        event: Event,
        make_person: Callable[..., Person],
        as_person: AsPerson,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        person = make_person("lee", display_name="Lee", email="lee@example.org", time_zone="Europe/Dublin")
        client = as_person(person)
        with django_assert_num_queries(3):
            page = read_page(client, "/events/one-evening")
        assert 'value="Lee"' in page
        assert 'value="lee@example.org"' in page
        assert "Dublin time" in page

    def test_a_teen_without_an_email_types_one(self, event: Event, as_person: AsPerson, teen: Person) -> None:
        page = squeezed(read_page(as_person(teen), "/events/one-evening"))
        assert 'value="Noor"' in page
        assert 'id="id_email" name="email" type="email" value=""' in page

    def test_the_link_to_join_is_not_on_it(self, client: Client, make_event: MakeEvent) -> None:
        make_event(join_url="https://meet.example.org/secret")
        assert "meet.example.org" not in read_page(client, "/events/one-evening")
        assert "meet.example.org" not in read_page(client, "/events/one-evening/calendar.ics")

    def test_a_past_event_has_facts_and_no_form(self, client: Client, past: Event) -> None:
        page = read_page(client, "/events/long-ago")
        assert "This event is over." in page
        assert "There is no recording on this site." in page
        assert "Not recorded" in page
        assert "/sign-up" not in page
        assert "calendar.ics" not in page

    def test_its_texts_are_escaped(self, client: Client, make_event: MakeEvent) -> None:
        hostile = "<script>alert(1)</script>"
        make_event(title=hostile, summary=hostile, description=hostile)
        for path in ("/events/", "/events/one-evening"):
            page = read_page(client, path)
            assert "<script>" not in page
            assert "&lt;script&gt;" in page


class TestFirstEvent:
    def test_its_page_has_the_facts_and_claims_nothing_else(self, client: Client, db: None) -> None:
        load_first_event()
        page = read_page(client, "/events/how-to-talk-to-your-teens").replace("\N{NO-BREAK SPACE}", " ")
        main = page[page.index("<main") : page.index("</main>")]
        assert "How to Talk to Your Teens" in main
        assert "Friday, December 22, 2023, 11 a.m., Los Angeles time (PST)" in main
        assert '<time datetime="2023-12-22T11:00:00-08:00">' in main
        assert "There is no recording on this site." in main
        for unknown in ("minute", "host", "attend", "guest", "speaker", "http"):
            assert unknown not in main.lower()

    def test_the_list_has_its_day(self, client: Client, db: None) -> None:
        load_first_event()
        assert "Friday, December 22, 2023</time>" in read_page(client, "/events/")


class TestCalendar:
    def test_it_is_a_public_file(
        self, client: Client, event: Event, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(1):
            reply = client.get("/events/one-evening/calendar.ics")
        assert reply.headers["Content-Type"] == "text/calendar; method=PUBLISH; charset=utf-8"
        assert reply.headers["Content-Disposition"] == 'attachment; filename="one-evening.ics"'
        assert Calendar.from_ical(reply.content).events[0].start == event.starts_at

    def test_past_events_and_those_without_a_known_end_have_none(
        self, client: Client, past: Event, make_event: MakeEvent
    ) -> None:
        make_event("endless", minutes=None)
        make_event("over", starts_at=timezone.now() - timedelta(hours=2))
        for slug in ("long-ago", "endless", "over"):
            read_page(client, f"/events/{slug}/calendar.ics", 404)


class TestOwnSignUp:
    def test_the_link_opens_the_sign_up_in_two_queries(
        self, client: Client, sign_up: SignUp, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(2):
            reply = client.get(f"/events/sign-up/{sign_up.token}")
        page = reply.content.decode()
        assert "Kim, you have a spot" in page
        assert f"/events/sign-up/{sign_up.token}/calendar.ics" in page
        assert "The link to join appears here 15 minutes before the start." in page
        assert "no-store" in reply.headers["Cache-Control"]
        assert reply.headers["X-Robots-Tag"] == "noindex"

    def test_after_the_event_there_is_no_join_link_but_leaving_works(
        self, client: Client, sign_up: SignUp
    ) -> None:
        Event.objects.update(
            join_url="https://meet.example.org/x", starts_at=timezone.now() - timedelta(days=1)
        )
        page = read_page(client, f"/events/sign-up/{sign_up.token}")
        assert "meet.example.org" not in page
        assert "calendar.ics" not in page
        assert "This event is over." in page
        assert client.post(f"/events/sign-up/{sign_up.token}/leave").status_code == 302

    def test_leaving_explains_what_is_deleted(self, client: Client, sign_up: SignUp) -> None:
        reply = client.post(f"/events/sign-up/{sign_up.token}/leave", follow=True)
        page = reply.content.decode()
        assert "We deleted your name and email address" in page
        assert "One last email removes the event from your calendar" in page
        assert "Kim" not in page
        assert not SignUp.objects.exists()
        read_page(client, f"/events/sign-up/{sign_up.token}", 404)

    def test_a_get_does_not_leave(self, client: Client, sign_up: SignUp) -> None:
        read_page(client, f"/events/sign-up/{sign_up.token}/leave", 405)
        assert SignUp.objects.exists()

    @pytest.mark.parametrize("token", ["x", "a" * 32, "a" * 5000, "%00", "../admin", "é🍵"])
    def test_an_invalid_token_is_a_404(self, client: Client, sign_up: SignUp, token: str) -> None:
        read_page(client, f"/events/sign-up/{token}", 404)
        assert client.post(f"/events/sign-up/{token}/leave").status_code == 404
        assert SignUp.objects.exists()

    def test_a_token_opens_only_its_own_sign_up(
        self, client: Client, sign_up: SignUp, make_event: MakeEvent
    ) -> None:
        from events.services import create_sign_up

        other = create_sign_up(
            event=make_event("other", title="Another"), name="Lee", email="kim@example.org"
        )
        client.post(f"/events/sign-up/{other.token}/leave")
        assert SignUp.objects.get() == sign_up


@pytest.mark.parametrize("who", ["nobody", "teen", "parent", "stranger", "admin_person"])
class TestEveryRole:
    def client_for(self, who: str, request: pytest.FixtureRequest) -> Client:
        if who == "nobody":
            return Client()
        as_person: AsPerson = request.getfixturevalue("as_person")
        return as_person(request.getfixturevalue(who))

    def test_public_pages_are_public(
        self, who: str, request: pytest.FixtureRequest, event: Event, past: Event, sign_up: SignUp
    ) -> None:
        client = self.client_for(who, request)
        for path in ("", "one-evening", "one-evening/calendar.ics", "long-ago", f"sign-up/{sign_up.token}"):
            read_page(client, f"/events/{path}")

    def test_anyone_can_sign_up(self, who: str, request: pytest.FixtureRequest, event: Event) -> None:
        client = self.client_for(who, request)
        form = {"name": "Lee", "email": "lee@example.org"}
        reply = client.post("/events/one-evening/sign-up", form, follow=True)
        assert "lee@example.org" in reply.content.decode()
        person = None if who == "nobody" else request.getfixturevalue(who)
        assert SignUp.objects.get().person == person

    def test_a_draft_is_a_404(self, who: str, request: pytest.FixtureRequest, draft: Event) -> None:
        client = self.client_for(who, request)
        hidden = SignUp.objects.create(event=draft, name="Kim", email="kim@example.org")
        for path in ("a-draft", "a-draft/calendar.ics", "a-draft/signed-up", f"sign-up/{hidden.token}"):
            read_page(client, f"/events/{path}", 404)
        form = {"name": "Lee", "email": "lee@example.org"}
        assert client.post("/events/a-draft/sign-up", form).status_code == 404
        assert client.post(f"/events/sign-up/{hidden.token}/leave").status_code == 404
        assert SignUp.objects.get() == hidden
