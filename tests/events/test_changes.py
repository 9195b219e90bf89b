"""People who signed up are emailed about every change, unless an admin chooses not to."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Q
from django.test import Client
from django.utils import timezone
from icalendar import Calendar

from events.changes import cancel_event, update_event
from events.errors import EventClosed
from events.models import Event, SignUp, SignUpStatus
from events.reminders import send_reminders
from events.services import create_sign_up, leave_event
from mail.models import Email, EmailState
from tests.events.conftest import MakeEvent, sign_up_and_confirm

SAID = (
    Q(subject__startswith="Changed")
    | Q(subject__startswith="Cancelled")
    | Q(subject__startswith="You’re no longer signed up")
)


def list_change_emails() -> list[str]:
    """List the emails about changes, cancellations and leaving."""
    return sorted(f"{mail.to}: {mail.subject}" for mail in Email.objects.filter(SAID))


def read_entry(mail: Email) -> Any:
    part = mail.attachments.get()
    assert part.is_alternative
    calendar = Calendar.from_ical(part.content)
    assert part.content_type == f"text/calendar; method={calendar['METHOD']}; charset=utf-8"
    [entry] = calendar.events
    return entry


@pytest.fixture
def lee(event: Event) -> SignUp:
    return sign_up_and_confirm(event, "Lee")


def test_a_spot_brings_an_invitation(sign_up: SignUp) -> None:
    entry = read_entry(Email.objects.get(subject__startswith="You have a spot"))
    assert entry["UID"] == str(sign_up.pk)
    assert entry["SEQUENCE"] == 0


class TestAChange:
    def test_updates_everyones_calendar_entry(self, event: Event, sign_up: SignUp, lee: SignUp) -> None:
        event.starts_at += timedelta(hours=1)
        assert update_event(event=event, notify=True) == 2
        assert list_change_emails() == [
            "kim@example.org: Changed: One evening",
            "lee@example.org: Changed: One evening",
        ]
        for place in (sign_up, lee):
            entry = read_entry(Email.objects.get(to=place.email, subject__startswith="Changed"))
            assert (entry["UID"], entry["SEQUENCE"]) == (str(place.pk), 1)
            assert entry.start == event.starts_at

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("title", "Two evenings"),
            ("summary", "Two hours"),
            ("time_zone", "Europe/Berlin"),
            ("minutes", 90),
            ("hosts", "Ada and Grace"),
            ("description", "Bring a pencil."),
        ],
    )
    def test_of_an_announced_field_is_emailed(
        self, event: Event, sign_up: SignUp, field: str, value: object
    ) -> None:
        setattr(event, field, value)
        assert update_event(event=event, notify=True) == 1

    def test_names_the_changed_fields(self, event: Event, sign_up: SignUp) -> None:
        event.hosts, event.minutes = "Ada and Grace", 75
        update_event(event=event, notify=True)
        text = Email.objects.get(subject__startswith="Changed").text
        assert "has changed: length, hosts." in text
        assert "With: Ada and Grace" in text

    def test_of_the_join_link_sends_no_email(self, make_event: MakeEvent, client: Client) -> None:
        event = make_event(starts_at=timezone.now() + timedelta(minutes=10))
        sign_up = sign_up_and_confirm(event)
        event.join_url = "https://meet.example.org/another"
        assert update_event(event=event, notify=True) == 0
        assert Event.objects.get().sequence == 0
        assert client.get(f"{sign_up.get_absolute_url()}/join").headers["Location"] == event.join_url

    def test_without_emails_still_raises_the_revision(self, event: Event, sign_up: SignUp) -> None:
        event.minutes = 90
        assert update_event(event=event, notify=False) == 0
        event.minutes = 120
        assert update_event(event=event, notify=True) == 1
        assert read_entry(Email.objects.latest("created_at"))["SEQUENCE"] == 2

    @pytest.mark.parametrize(
        "over", [{"is_published": False}, {"starts_at": timezone.now() - timedelta(days=2)}]
    )
    def test_of_a_draft_or_past_event_sends_no_email(
        self, event: Event, sign_up: SignUp, over: dict[str, object]
    ) -> None:
        Event.objects.update(**over)
        event.refresh_from_db()
        event.title = "Another"
        assert update_event(event=event, notify=True) == 0


def test_a_stale_form_undoes_nothing(event: Event, sign_up: SignUp) -> None:
    stale = Event.objects.get()
    event.minutes = 90
    update_event(event=event, notify=True)
    cancel_event(event=event)
    stale.description = "Another word."
    update_event(event=stale, notify=False)
    kept = Event.objects.get()
    assert kept.is_cancelled
    assert kept.sequence > 2


class TestACancellation:
    def test_removes_it_from_everyones_calendar(self, event: Event, sign_up: SignUp, lee: SignUp) -> None:
        assert cancel_event(event=event, reason="The speaker is ill.") == 2
        assert list_change_emails() == [
            "kim@example.org: Cancelled: One evening",
            "lee@example.org: Cancelled: One evening",
        ]
        mail = Email.objects.get(to="kim@example.org", subject__startswith="Cancelled")
        assert "The speaker is ill." in mail.text
        entry = read_entry(mail)
        assert (entry["UID"], entry["SEQUENCE"], entry["STATUS"]) == (str(sign_up.pk), 1, "CANCELLED")

    def test_is_emailed_once(self, event: Event, sign_up: SignUp) -> None:
        cancel_event(event=event)
        with pytest.raises(EventClosed):
            cancel_event(event=event)
        assert len(list_change_emails()) == 1

    def test_closes_the_event(self, event: Event, sign_up: SignUp, client: Client) -> None:
        cancel_event(event=event)
        with pytest.raises(EventClosed):
            create_sign_up(event=event, name="Lee", email="lee@example.org")
        page = client.get(event.get_absolute_url()).content.decode()
        assert "was cancelled" in page
        assert "/sign-up" not in page
        assert "One evening" not in client.get("/events/").content.decode()
        assert "was cancelled" in client.get(sign_up.get_absolute_url()).content.decode()
        assert client.get("/events/one-evening/calendar.ics").status_code == 404

    def test_of_a_past_event_is_refused(self, past: Event) -> None:
        with pytest.raises(EventClosed):
            cancel_event(event=past)


class TestLeaving:
    def test_removes_it_from_the_persons_own_calendar_only(self, sign_up: SignUp, lee: SignUp) -> None:
        leave_event(sign_up=sign_up)
        leave_event(sign_up=sign_up)
        assert list_change_emails() == ["kim@example.org: You’re no longer signed up: One evening"]
        entry = read_entry(Email.objects.get(subject__startswith="You’re no longer signed up"))
        assert (entry["UID"], entry["SEQUENCE"], entry["STATUS"]) == (str(sign_up.pk), 1, "CANCELLED")

    def test_after_a_change_has_a_higher_sequence(self, event: Event, sign_up: SignUp) -> None:
        event.minutes = 90
        update_event(event=event, notify=True)
        leave_event(sign_up=SignUp.objects.get())
        assert (
            read_entry(Email.objects.get(subject__startswith="You’re no longer signed up"))["SEQUENCE"] == 2
        )

    def test_erases_unsent_emails(self, sign_up: SignUp, make_event: MakeEvent) -> None:
        other = sign_up_and_confirm(make_event("other"))
        leave_event(sign_up=sign_up)
        waiting = Email.objects.filter(state=EmailState.WAITING)
        assert {mail.key.split()[1] for mail in waiting.filter(subject__startswith="You have a spot")} == {
            str(other.pk)
        }

    def test_after_the_event_sends_no_email(self, event: Event, sign_up: SignUp) -> None:
        Event.objects.update(starts_at=timezone.now() - timedelta(days=1))
        leave_event(sign_up=SignUp.objects.get())
        assert not list_change_emails()

    def test_one_click_unsubscribe_stops_emails_and_keeps_spot_and_guests(self, sign_up: SignUp) -> None:
        guest = sign_up_and_confirm(sign_up.event, "Lee", guest_of=sign_up)
        mail = Email.objects.get(subject__startswith="You have a spot", to="kim@example.org")
        assert mail.unsubscribe_url.endswith(f"/events/sign-up/{sign_up.token}/unsubscribe")
        program = Client(enforce_csrf_checks=True)
        location = program.get(sign_up.get_unsubscribe_url()).headers["Location"]
        assert location == f"{sign_up.get_absolute_url()}#emails"
        for _ in range(2):
            reply = program.post(sign_up.get_unsubscribe_url(), {"List-Unsubscribe": "One-Click"})
            assert reply.status_code == 200
        sign_up.refresh_from_db()
        guest.refresh_from_db()
        assert sign_up.is_going
        assert guest.guest_of == sign_up
        soon = sign_up.event.starts_at - timedelta(minutes=50)
        send_reminders(now=soon)
        assert [mail.to for mail in Email.objects.filter(subject__startswith="Starting soon")] == [
            guest.email
        ]
        # Cancellations are still emailed.
        cancel_event(event=sign_up.event)
        assert Email.objects.filter(subject__startswith="Cancelled", to=sign_up.email).exists()

    def test_a_button_turns_emails_on_again(self, client: Client, sign_up: SignUp) -> None:
        page = sign_up.get_absolute_url()
        client.post(f"{page}/emails", {"stop": "yes"})
        assert "Reminders are off." in client.get(page).content.decode()
        client.post(f"{page}/emails")
        sign_up.refresh_from_db()
        assert sign_up.unsubscribed_at is None

    def test_one_click_unsubscribe_works_for_a_deleted_sign_up(self, client: Client, sign_up: SignUp) -> None:
        leave_event(sign_up=sign_up)
        assert client.post(sign_up.get_unsubscribe_url()).status_code == 200

    def test_can_be_undone_with_guests_and_the_same_link(
        self, client: Client, event: Event, sign_up: SignUp
    ) -> None:
        guest = sign_up_and_confirm(event, "Lee", guest_of=sign_up)
        reply = client.post(f"{sign_up.get_absolute_url()}/leave", follow=True)
        assert ">Undo<" in reply.content.decode()
        assert not SignUp.objects.filter(name="Kim").exists()
        reply = client.post(f"/events/{event.slug}/left/undo")
        again = SignUp.objects.get(name="Kim")
        assert reply.headers["Location"] == sign_up.get_absolute_url() == again.get_absolute_url()
        assert again.is_going
        guest.refresh_from_db()
        assert guest.guest_of == again
        # The old calendar entry was cancelled, so this is a new one.
        assert again.pk != sign_up.pk
        client.post(f"/events/{event.slug}/left/undo")
        assert event.sign_ups.count() == 2

    def test_twice_redirects_to_the_same_page(self, client: Client, event: Event, sign_up: SignUp) -> None:
        leave = f"{sign_up.get_absolute_url()}/leave"
        for _ in range(3):
            reply = client.post(leave, follow=True)
            assert reply.redirect_chain == [(f"/events/{event.slug}/left", 302)]
            assert ">Undo<" in reply.content.decode()
        assert Email.objects.filter(subject__startswith="You’re no longer signed up").count() == 1
        assert Client().post(leave).status_code == 404

    def test_cannot_be_undone_in_another_browser_or_without_leaving(
        self, client: Client, event: Event, sign_up: SignUp
    ) -> None:
        client.post(f"{sign_up.get_absolute_url()}/leave")
        other = Client()
        assert ">Undo<" not in other.get(f"/events/{event.slug}/left").content.decode()
        other.cookies["undo_leave"] = client.cookies["undo_leave"].value[:-2]
        assert other.post(f"/events/{event.slug}/left/undo").headers["Location"] == f"/events/{event.slug}"
        assert not SignUp.objects.exists()

    def test_undone_after_the_spot_is_gone_joins_the_waitlist(
        self, client: Client, make_event: MakeEvent
    ) -> None:
        full = make_event("full", capacity=1)
        first, _second = sign_up_and_confirm(full), sign_up_and_confirm(full, "Lee")
        client.post(f"{first.get_absolute_url()}/leave")
        client.post("/events/full/left/undo")
        assert SignUp.objects.get(name="Kim").status == SignUpStatus.WAITLISTED
