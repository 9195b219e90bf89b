"""Event emails have the personal link and a calendar invitation."""

import re

import pytest
from django.utils import translation
from icalendar import Calendar
from pytest_django import Settings

from events import emails
from events.models import Event, SignUp
from events.services import create_sign_up, leave_event
from mail.messages import build_outgoing_message, render_email_html
from mail.models import Email
from tests.events.conftest import MakeEvent, sign_up_and_confirm


@pytest.fixture(autouse=True)
def _site(settings: Settings) -> None:
    settings.SITE_URL = "https://kitchen.example"


def get_invitation_email() -> Email:
    return Email.objects.get(subject__startswith="You have a spot")


def test_the_invitation_has_the_expected_text(sign_up: SignUp) -> None:
    mail = get_invitation_email()
    assert mail.subject == "You have a spot: One evening"
    assert "Hello Kim," in mail.text
    assert "Los Angeles time (P" in mail.text
    assert "How long: 60 minutes" in mail.text
    assert "Where: online" in mail.text
    assert f"https://kitchen.example/events/sign-up/{sign_up.token}\n" in mail.text
    assert "https://kitchen.example/events/one-evening\n" in mail.text
    assert "Cancel my sign-up" in mail.text
    assert "30 days after the event" in mail.text
    assert "If that wasn’t you" in mail.text
    assert len(mail.text) < 1200
    assert "\n\n\n" not in mail.text


def test_quotes_and_ampersands_are_not_escaped(make_event: MakeEvent) -> None:
    event = make_event(title='"Sci-fi" & <truth>, it\'s both', summary="A & B.")
    sign_up_and_confirm(event, "Kim O'Hara & co", email="kim@example.org")
    mail = get_invitation_email()
    assert '“"Sci-fi" & <truth>, it\'s both”' in mail.text
    assert "Hello Kim O'Hara & co," in mail.text
    assert mail.subject == 'You have a spot: "Sci-fi" & <truth>, it\'s both'


def test_a_title_of_two_lines_makes_one_subject(make_event: MakeEvent) -> None:
    sign_up_and_confirm(make_event(title="Two\r\nBcc: lines"))
    assert get_invitation_email().subject == "You have a spot: Two Bcc: lines"


def test_the_confirmation_encloses_a_calendar_invitation(sign_up: SignUp) -> None:
    enclosure = get_invitation_email().attachments.get()
    assert enclosure.is_alternative
    assert enclosure.content_type == "text/calendar; method=REQUEST; charset=utf-8"
    assert Calendar.from_ical(enclosure.content).events[0]["SUMMARY"] == "One evening"


def test_an_event_without_a_known_end_has_no_invitation(make_event: MakeEvent) -> None:
    sign_up_and_confirm(make_event(minutes=None))
    mail = get_invitation_email()
    assert not mail.attachments.exists()
    assert "calendar" not in mail.text
    assert "How long" not in mail.text


class TestTheConfirmationRequest:
    def test_asks_whether_it_was_you(self, unconfirmed: SignUp) -> None:
        mail = Email.objects.get()
        assert mail.subject == "Confirm your spot: One evening"
        assert "Someone signed up for “One evening” with your email address." in mail.text
        assert f"https://kitchen.example/events/sign-up/{unconfirmed.token}\n" in mail.text
        assert "after two days" in mail.text
        assert not mail.attachments.exists()

    def test_names_the_host(self, sign_up: SignUp) -> None:
        create_sign_up(event=sign_up.event, name="Lee", email="lee@example.org", guest_of=sign_up)
        mail = Email.objects.get(to="lee@example.org")
        assert mail.subject == "You’re invited: One evening"
        assert "Kim invited you to “One evening”." in mail.text


def test_times_are_also_in_the_readers_time_zone(event: Event) -> None:
    sign_up_and_confirm(event, time_zone="Europe/Berlin")
    text = get_invitation_email().text
    assert "Los Angeles time (P" in text
    assert re.search("For you: .*, Berlin time", text)


def test_an_email_is_in_the_language_of_the_sign_up(event: Event) -> None:
    with translation.override("es"):
        sign_up = sign_up_and_confirm(event)
    # A task sends reminders, so no request sets the language.
    with translation.override(None):
        soon = emails.build_day_reminder(sign_up)
    assert soon.subject == "Pronto: One evening"
    assert "Hola, Kim:" in soon.text
    assert soon.language == "es"
    mail = Email.objects.get(subject="Tienes un lugar: One evening")
    assert '<html lang="es">' in render_email_html(mail)
    assert build_outgoing_message(mail).message()["Content-Language"] == "es"


def test_leaving_on_a_page_in_another_language_emails_in_the_sign_ups_language(sign_up: SignUp) -> None:
    with translation.override("es"):
        leave_event(sign_up=sign_up)
    assert Email.objects.get(subject="You’re no longer signed up: One evening").language == "en"
