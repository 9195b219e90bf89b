"""An email provider instead of a mail server: set by one URL, with bounces by webhook."""

import json
from base64 import b64encode
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from anymail.exceptions import AnymailAPIError, AnymailRecipientsRefused
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from config.settings.environment import CONSOLE, parse_email_url
from mail.messages import build_outgoing_message
from mail.models import BounceKind, Email, EmailState
from mail.sending import send_email
from tests.mail.conftest import CALENDAR, Queue

pytestmark = pytest.mark.usefixtures("nudged")


class TestTheAddress:
    def test_names_a_mail_server(self) -> None:
        mailer = parse_email_url("smtp+tls://kt:p%40ss@mail.example:587")
        options = mailer.settings["OPTIONS"]
        assert (options["host"], options["port"], options["use_tls"]) == ("mail.example", 587, True)
        assert (options["username"], options["password"]) == ("kt", "p@ss")
        assert mailer.provider == ""

    def test_names_a_provider_and_its_options(self) -> None:
        mailer = parse_email_url("postmark://?server_token=abc")
        assert mailer.settings == {
            "BACKEND": "anymail.backends.postmark.EmailBackend",
            "OPTIONS": {"server_token": "abc"},
        }
        assert mailer.provider == "postmark"
        assert parse_email_url("amazon-ses://").provider == "amazon_ses"

    def test_of_an_unknown_kind_is_refused(self) -> None:
        assert parse_email_url("").settings == CONSOLE


def api_error(status: int) -> AnymailAPIError:
    reply = SimpleNamespace(reason="No", text="no such mailbox")
    return AnymailAPIError("Sending failed", status_code=status, response=reply)


@pytest.fixture
def provider(settings: Settings) -> None:
    settings.MAILERS = {"default": {"BACKEND": "anymail.backends.test.EmailBackend"}}


@pytest.mark.usefixtures("provider")
class TestSending:
    def test_keeps_the_providers_own_id(self, queue: Queue, mailoutbox: list[Any]) -> None:
        email = queue(attachments=[CALENDAR])
        send_email(email_id=email.pk)
        kept = Email.objects.get()
        assert (kept.state, kept.provider_id) == (EmailState.SENT, "0")
        [sent] = mailoutbox
        assert sent.extra_headers["Message-ID"] == email.message_id
        assert sent.alternatives[0].mimetype == "text/html"

    @pytest.mark.parametrize(
        ("fault", "state"),
        [
            (AnymailRecipientsRefused(), EmailState.FAILED),
            (api_error(422), EmailState.FAILED),
            (api_error(429), EmailState.WAITING),
            (api_error(401), EmailState.WAITING),
            (api_error(500), EmailState.WAITING),
        ],
    )
    def test_tells_temporary_from_permanent_errors(
        self, queue: Queue, monkeypatch: pytest.MonkeyPatch, fault: Exception, state: EmailState
    ) -> None:
        def post(*_: object) -> None:
            raise fault

        monkeypatch.setattr("anymail.backends.test.EmailBackend.post_to_esp", post)
        send_email(email_id=queue().pk)
        assert Email.objects.get().state == state
        assert Email.objects.get().error

    def test_attaches_an_invitation_as_a_file_if_the_provider_takes_fields(self, queue: Queue) -> None:
        message = build_outgoing_message(queue(attachments=[replace(CALENDAR, is_alternative=True)]))
        [part] = message.attachments
        assert part["Content-Type"].params["method"] == "PUBLISH"
        assert not message.others


def report_bounce(settings: Settings, auth: str = "kt:secret", **event: object) -> HttpResponse:
    """Post an event as Postmark does."""
    settings.ANYMAIL = {"WEBHOOK_SECRET": "kt:secret"}
    report = {
        "RecordType": "Bounce",
        "Type": "HardBounce",
        "Email": "noor@example.org",
        "MessageID": "pm-1",
    } | event
    request = RequestFactory().post(
        "/mail/webhook/",
        json.dumps(report),
        content_type="application/json",
        headers={"Authorization": f"Basic {b64encode(auth.encode()).decode()}"},
    )
    reply = PostmarkTrackingWebhookView.as_view()(request)
    assert isinstance(reply, HttpResponse)
    return reply


class TestABounce:
    @pytest.fixture
    def sent(self, queue: Queue) -> Email:
        email = queue()
        Email.objects.update(provider_id="pm-1")
        return email

    def test_is_recorded_with_its_reason(self, sent: Email, settings: Settings) -> None:
        report_bounce(settings, Details="550 No such mailbox", BouncedAt="2026-11-22T10:00:00Z")
        kept = Email.objects.get()
        assert kept.bounce == BounceKind.BOUNCED
        assert kept.error == "550 No such mailbox"
        assert kept.bounced_at
        assert kept.bounced_at.isoformat() == "2026-11-22T10:00:00+00:00"

    def test_does_not_replace_a_complaint(self, sent: Email, settings: Settings) -> None:
        report_bounce(settings, RecordType="SpamComplaint", Type="SpamComplaint")
        report_bounce(settings)
        assert Email.objects.get().bounce == BounceKind.COMPLAINED

    @pytest.mark.parametrize(
        "other",
        [
            {"MessageID": "pm-2"},
            {"Email": "kim@example.org"},
            {"RecordType": "Open"},
            {"RecordType": "Delivery"},
        ],
    )
    def test_of_an_unknown_email_or_event_is_ignored(
        self, sent: Email, settings: Settings, other: dict[str, str]
    ) -> None:
        assert report_bounce(settings, **other).status_code == 200
        assert Email.objects.get().bounce == ""

    def test_needs_the_providers_password(self, sent: Email, settings: Settings) -> None:
        with pytest.raises(SuspiciousOperation):
            report_bounce(settings, auth="kt:guessed")
        assert Email.objects.get().bounce == ""
