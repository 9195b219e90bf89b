"""The admin does not change an event without a choice whether to email the people who signed up."""

import pytest
from django.test import Client

from accounts.models import Person
from events.models import Event, SignUp
from mail.models import Email
from tests.events.test_admin import AsPerson, build_form


@pytest.fixture
def admin_client(admin_person: Person, as_person: AsPerson) -> Client:
    return as_person(admin_person)


def as_it_is(event: Event, **changed: str) -> dict[str, str]:
    local = event.starts_local
    return build_form(
        title=event.title, slug=event.slug, summary=event.summary, hosts=event.hosts,
        description=event.description.replace("\n", "\r\n"), day=f"{local:%Y-%m-%d}", start_time=f"{local:%H:%M:%S}"
    ) | changed  # fmt: skip


def change(client: Client, event: Event, **changed: str) -> str:
    reply = client.post(f"/admin/events/event/{event.pk}/change/", as_it_is(event, **changed), follow=True)
    return reply.content.decode()


def count_change_emails() -> int:
    return Email.objects.filter(subject__startswith="Changed").count()


class TestAChange:
    def test_shows_how_many_would_be_emailed_before_it_is_saved(
        self, admin_client: Client, event: Event, sign_up: SignUp
    ) -> None:
        page = change(admin_client, event, minutes="90", title="Two evenings")
        assert "1 person signed up, and this changes" in page
        assert "title, length" in page
        event.refresh_from_db()
        assert (event.title, event.minutes, event.sequence) == ("One evening", 60, 0)

    def test_is_emailed_if_the_admin_chooses(
        self, admin_client: Client, event: Event, sign_up: SignUp
    ) -> None:
        page = change(admin_client, event, minutes="90", notify="yes")
        assert "1 person will get an email." in page
        assert count_change_emails() == 1
        event.refresh_from_db()
        assert (event.minutes, event.sequence) == (90, 1)

    def test_is_not_emailed_if_the_admin_chooses_not_to(
        self, admin_client: Client, event: Event, sign_up: SignUp
    ) -> None:
        change(admin_client, event, minutes="90", notify="no")
        event.refresh_from_db()
        assert event.minutes == 90
        assert not count_change_emails()

    def test_of_a_private_field_needs_no_choice(
        self, admin_client: Client, event: Event, sign_up: SignUp
    ) -> None:
        change(admin_client, event, join_url="https://meet.example.org/x")
        event.refresh_from_db()
        assert event.join_url == "https://meet.example.org/x"
        assert not count_change_emails()

    def test_without_sign_ups_needs_no_choice(self, admin_client: Client, event: Event) -> None:
        page = admin_client.get(f"/admin/events/event/{event.pk}/change/").content.decode()
        assert "Notify people" not in page
        change(admin_client, event, minutes="90")
        event.refresh_from_db()
        assert event.minutes == 90

    def test_of_the_slug_needs_a_choice(self, admin_client: Client, event: Event, sign_up: SignUp) -> None:
        assert "this changes: address" in change(admin_client, event, slug="another-evening")
        change(admin_client, event, slug="another-evening", notify="yes")
        assert "/events/another-evening" in Email.objects.get(subject__startswith="Changed").text

    def test_cannot_move_an_event_with_sign_ups_into_the_past(
        self, admin_client: Client, event: Event, sign_up: SignUp
    ) -> None:
        assert "that day is in the past" in change(admin_client, event, day="2020-01-01", notify="yes")
        event.refresh_from_db()
        assert event.starts_at.year != 2020

    def test_cannot_unpublish_an_event_with_sign_ups(
        self, admin_client: Client, event: Event, sign_up: SignUp
    ) -> None:
        assert "Cancel the event instead" in change(admin_client, event, is_published="")
        event.refresh_from_db()
        assert event.is_published

    def test_cannot_delete_an_event_with_sign_ups(
        self, admin_client: Client, event: Event, sign_up: SignUp
    ) -> None:
        assert (
            admin_client.post(f"/admin/events/event/{event.pk}/delete/", {"post": "yes"}).status_code == 403
        )
        several = {"action": "delete_selected", "_selected_action": [str(event.pk)], "post": "yes"}
        admin_client.post("/admin/events/event/", several)
        assert Event.objects.exists()


class TestACancellation:
    def test_shows_how_many_are_emailed_and_emails_the_reason(
        self, admin_client: Client, event: Event, sign_up: SignUp
    ) -> None:
        path = f"/admin/events/event/{event.pk}/cancel"
        assert "1 person signed up. They’ll get an email" in admin_client.get(path).content.decode()
        reply = admin_client.post(path, {"reason": "The speaker is ill."}, follow=True)
        assert "1 person will get an email." in reply.content.decode()
        assert "The speaker is ill." in Email.objects.get(subject__startswith="Cancelled").text
        again = admin_client.post(path, {"reason": "Again"}, follow=True)
        assert "already cancelled" in again.content.decode()
        assert Email.objects.filter(subject__startswith="Cancelled").count() == 1

    def test_needs_the_change_permission(self, event: Event, teen: Person, as_person: AsPerson) -> None:
        path = f"/admin/events/event/{event.pk}/cancel"
        assert Client().post(path).status_code == 302
        assert as_person(teen).post(path).status_code == 302
        looker = Person.objects.create(username="looker", role="admin", is_staff=True)
        assert as_person(looker).post(path).status_code == 403
        event.refresh_from_db()
        assert not event.is_cancelled


def test_deleting_a_sign_up_emails_the_person(admin_client: Client, sign_up: SignUp) -> None:
    admin_client.post(f"/admin/events/signup/{sign_up.pk}/delete/", {"post": "yes"})
    assert Email.objects.filter(subject__startswith="You’re no longer signed up").count() == 1
